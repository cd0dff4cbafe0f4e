"""Checks of what a journey sends: channels, templates, variants and variables."""

from collections import Counter
from collections.abc import Iterator

from engine.compile.content import VARIABLES, Written, check_content
from engine.compile.known import Before, Known, unwise, wrong
from engine.errors import Problem, Said, said
from engine.model.base import CHANNELS
from engine.model.journey import Journey, Moment, SendStep, Variant, Window
from engine.model.template import Template

ENVELOPE = ("subject", "preheader", "template", "channel", "at", "from")
"""What a variant may replace; any other key of its `set` is a variable of the template."""

_SHORT = {"sms", "whatsapp", "push"}


def check_send(journey: Journey, step: SendStep, known: Known, before: Before) -> Iterator[Problem]:
    """Check one sending step."""
    if step.class_ == "marketing" and not (step.topic or journey.topic):
        yield wrong(
            "a marketing message needs a topic: set it on the step or on the journey", step.id
        )
    for channel, times in Counter(step.channels).items() if len(step.channels) > 1 else ():
        if times > 1:
            yield wrong(
                "the channel %(channel)s is listed %(times)s times",
                step.id,
                channel=channel,
                times=times,
            )
    yield from _moment(said("the message"), step.at, step)
    if step.variants:
        total = sum(variant.weight for variant in step.variants)
        if total != 100:
            yield wrong(
                "the shares of its versions add up to %(total)s, not 100", step.id, total=total
            )
    sound = []
    for variant in step.variants:
        problems = list(_variant(variant, step))
        yield from problems
        if not problems:
            sound.append(variant)
    for template, uses in _uses(step, sound).items():
        if template is None:
            yield wrong("choose a template: nothing says what it sends", step.id)
        else:
            yield from _template(template, uses, step, known, before)


def _variant(variant: Variant, step: SendStep) -> Iterator[Problem]:
    who = said("the version %(variant)s", variant=variant.id)
    for key, value in variant.set.items():
        if key in VARIABLES:
            yield wrong(
                "%(who)s cannot set %(key)s: templates know something else by it",
                step.id,
                who=who,
                key=key,
            )
        elif key == "at":
            yield from _moment(who, step.moment(variant), step)
        elif key == "channel" and value not in CHANNELS:
            yield wrong(
                "%(who)s names an unknown channel %(value)s", step.id, who=who, value=str(value)
            )
        elif key in ENVELOPE and not (isinstance(value, str) and value):
            yield wrong("%(who)s sets %(key)s, which has to be a text", step.id, who=who, key=key)


def _moment(who: Said, at: Moment | None, step: SendStep) -> Iterator[Problem]:
    match at:
        case None:
            yield wrong(
                '%(who)s sets at, which has to be now, best_hour or {window: "09:00-20:00"}',
                step.id,
                who=who,
            )
        case Window(times=(opens, closes)) if opens == closes:
            yield wrong("the window of %(who)s closes when it opens, at %(opens)s; leave `at` out to send at any hour", step.id, who=who, opens=f"{opens:%H:%M}")  # fmt: skip
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
        yield wrong(
            "there is no template %(template)s; create it or choose another", step.id, template=name
        )
        return
    channels = {
        channel
        for variant in uses
        for channel in ([variant.set["channel"]] if variant and "channel" in variant.set
                        else step.channels)
    }  # fmt: skip
    fits = {template.channel} | (_SHORT if template.channel in _SHORT else set())
    if not channels & fits:
        asked = ", ".join(channel for channel in CHANNELS if channel in channels)
        yield wrong(
            "the template %(template)s is made for %(channel)s, the step sends %(asked)s",
            step.id,
            template=name,
            channel=template.channel,
            asked=asked,
        )
    elif channels - fits:
        asked = ", ".join(channel for channel in CHANNELS if channel in channels - fits)
        yield unwise(
            "the template %(template)s is made for %(channel)s; %(asked)s would carry the same text",
            step.id,
            template=name,
            channel=template.channel,
            asked=asked,
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
