"""Checks of what a journey sends: channels, templates, variants and variables."""

from collections import Counter
from collections.abc import Iterator

from engine.compile.content import VARIABLES, Written, check_content
from engine.compile.known import Before, Known, error, warning
from engine.errors import Problem
from engine.model.base import CHANNELS
from engine.model.journey import Journey, Moment, SendStep, Variant, Window
from engine.model.template import Template

ENVELOPE = ("subject", "preheader", "template", "channel", "at", "from")
"""What a variant may replace; any other key of its `set` is a variable of the template."""

_SHORT = {"sms", "whatsapp", "push"}


def check_send(journey: Journey, step: SendStep, known: Known, before: Before) -> Iterator[Problem]:
    """Check one sending step."""
    if step.class_ == "marketing" and not (step.topic or journey.topic):
        yield error(
            "a marketing message needs a topic: set it on the step or on the journey", step.id
        )
    for channel, times in Counter(step.channels).items() if len(step.channels) > 1 else ():
        if times > 1:
            yield error(f"the channel {channel} is listed {times} times", step.id)
    yield from _moment("the message", step.at, step)
    if step.variants:
        total = sum(variant.weight for variant in step.variants)
        if total != 100:
            yield error(f"the shares of its variants add up to {total}, not 100", step.id)
    sound = []
    for variant in step.variants:
        problems = list(_variant(variant, step))
        yield from problems
        if not problems:
            sound.append(variant)
    for template, uses in _uses(step, sound).items():
        if template is None:
            yield error("choose a template: nothing says what it sends", step.id)
        else:
            yield from _template(template, uses, step, known, before)


def _variant(variant: Variant, step: SendStep) -> Iterator[Problem]:
    who = f"the variant {variant.id}"
    for key, value in variant.set.items():
        if key in VARIABLES:
            yield error(f"{who} cannot set {key}: templates know something else by it", step.id)
        elif key == "at":
            yield from _moment(who, step.moment(variant), step)
        elif key == "channel" and value not in CHANNELS:
            yield error(f"{who} names an unknown channel {value}", step.id)
        elif key in ENVELOPE and not (isinstance(value, str) and value):
            yield error(f"{who} sets {key}, which has to be a text", step.id)


def _moment(who: str, at: Moment | None, step: SendStep) -> Iterator[Problem]:
    match at:
        case None:
            yield error(
                f'{who} sets at, which has to be now, best_hour or {{window: "09:00-20:00"}}',
                step.id,
            )
        case Window(times=(opens, closes)) if opens == closes:
            yield error(
                f"the window of {who} closes when it opens, at {opens:%H:%M}; "
                "leave `at` out to send at any hour", step.id,
            )  # fmt: skip
        case _:
            return


def _uses(step: SendStep, variants: list[Variant]) -> dict[str | None, list[Variant | None]]:
    """Return each template that may be sent, with the variants that send it."""
    uses: dict[str | None, list[Variant | None]] = {}
    senders: list[Variant | None] = [*variants] if step.variants else [None]
    for variant in senders:
        own = variant.set.get("template") if variant is not None else None
        uses.setdefault(own or step.template, []).append(variant)
    return uses


def _template(
    name: str, uses: list[Variant | None], step: SendStep, known: Known, before: Before
) -> Iterator[Problem]:
    template = known.templates.get(name)
    if template is None:
        yield error(f"there is no template {name}; create it or choose another", step.id)
        return
    channels = {
        channel
        for variant in uses
        for channel in ([variant.set["channel"]] if variant and "channel" in variant.set
                        else step.channels)
    }  # fmt: skip
    fits = {template.channel} | (_SHORT if template.channel in _SHORT else set())
    if not channels & fits:
        asked = " or ".join(channel for channel in CHANNELS if channel in channels)
        yield error(
            f"the template {name} is made for {template.channel}, the step sends {asked}", step.id
        )
    elif channels - fits:
        asked = " and ".join(channel for channel in CHANNELS if channel in channels - fits)
        yield warning(
            f"the template {name} is made for {template.channel}; {asked} would carry the same text",
            step.id,
        )
    filled = {key for variant in uses if variant is not None for key in variant.set}
    written = _written(template, uses, step)
    yield from check_content(template, written, filled, step.id, known, before)


def _written(template: Template, uses: list[Variant | None], step: SendStep) -> Iterator[Written]:
    """Yield every text that may be rendered, with the locale of it."""
    first = next(iter(template.locales))
    yield Written("subject", step.subject, first)
    yield Written("preheader", step.preheader, first)
    for variant in uses:
        if variant is not None:
            yield Written("subject", variant.set.get("subject"), first)
            yield Written("preheader", variant.set.get("preheader"), first)
    for locale, content in template.locales.items():
        for part, text in content.texts().items():
            yield Written(part, text, locale)
