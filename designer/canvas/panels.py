"""The panel beside the canvas: what a step is and did, and in a draft the form of its settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from babel.dates import get_day_names
from pydantic import TypeAdapter, ValidationError

from designer.canvas import views
from designer.canvas.fields import Field, fields_of
from designer.canvas.forms import journey as journey_form
from designer.canvas.forms import steps as step_forms
from designer.canvas.forms.builders import builders
from designer.canvas.forms.raw import Raw, fields, rows, text
from designer.canvas.lexicon import COMPARISONS, FITS, MADE, of_steps
from designer.canvas.look import Shown
from designer.canvas.schedules import LAST
from designer.views import channel_name
from designer.words import N_, Words
from engine.errors import Problem, Said
from engine.model.base import CHANNELS, WEEKDAYS, is_tag
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    Journey,
    SendStep,
    Step,
    WebhookStep,
    walk,
)
from engine.model.mistakes import sentence
from engine.model.opening import opening_event
from engine.store.drafts import Names

Document = dict[str, Any]

_STEP: Final[TypeAdapter[AnyStep]] = TypeAdapter(Step)


class Mistakes:
    """What is wrong with a form, to be told at its fields; `rest` is what no field has told."""

    def __init__(self, found: Mapping[str, str] | None = None) -> None:
        self._found = dict(found or {})
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._found)

    def at(self, *places: str) -> list[str]:
        """Return what is wrong at these places, and below them, if it has not been told yet."""
        here = [
            place
            for place in self._found
            if place not in self._told
            and any(place == one or place.startswith(f"{one}.") for one in places)
        ]
        self._told.update(here)
        return list(dict.fromkeys(self._found[place] for place in here))

    @property
    def rest(self) -> list[str]:
        """What has not been told yet."""
        return [
            f"{place}: {said}" if place else said
            for place, said in self._found.items()
            if place not in self._told
        ]


@dataclass(frozen=True, slots=True)
class Asking:
    """What conditions may name that are asked of a customer whatever journey she is in."""

    topics: list[tuple[str, str]]
    segments: list[tuple[str, str]]
    channels: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    kinds_of_event: list[tuple[str, str]]
    comparisons: list[tuple[str, str, str]]
    made: list[tuple[str, str]]
    steps: list[tuple[str, str]] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    entry: str = ""
    lexicon: str = ""


@dataclass(frozen=True, slots=True)
class Choices(Asking):
    """What a form's fields may name."""

    templates: list[tuple[str, str, str]] = field(default_factory=list)
    journeys: list[tuple[str, str]] = field(default_factory=list)
    parameters: list[Field] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it is shown: its fields' texts, what is wrong, and whether it is as saved.

    `says` is the address that says what its conditions mean.
    """

    kind: str
    step: str
    raw: Raw
    mistakes: Mistakes
    choices: Asking
    problems: list[Problem]
    says: str
    unsaved: bool = False


def context(
    shown: Shown,
    step_id: str,
    words: Words,
    raw: Raw | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the panel's template needs; `raw` is a form that was sent but not saved."""
    sentences = shown.sentences(words)
    step = shown.step(step_id)
    counted = shown.counted["steps"].get(step_id, {})
    reading = shown.reading
    return {
        "chosen": step_id if step is not None else "",
        "totals": views.totals(shown.counted, shown.journey, words, reading),
        "facts": views.entry_facts(shown.journey, sentences),
        "panel": views.panel(step, counted, sentences, reading) if step is not None else None,
        "form": _form(shown, step, words, raw, mistakes) if shown.editing else None,
        "weekdays": _weekdays(words),
        "month_days": _month_days(words),
        "asked": reading.query(),
        "reading": reading,
    }


def _weekdays(words: Words) -> list[tuple[str, str]]:
    names = get_day_names("abbreviated", locale=words.locale)
    return [(day, str(names[n])) for n, day in enumerate(WEEKDAYS)]


def _month_days(words: Words) -> list[tuple[str, str]]:
    days = [(str(day), words.number(day)) for day in range(1, 32)]
    return [*days, (LAST, words.gettext("the last"))]


def _form(
    shown: Shown,
    step: AnyStep | None,
    words: Words,
    raw: Raw | None,
    mistakes: Mapping[str, str] | None,
) -> Form | None:
    document: Document = step.document() if step is not None else shown.journey.document()
    kind = document["type"] if step is not None else "journey"
    if step is not None and not step_forms.has_form(kind):
        return None
    if raw is None:
        shown_raw = (
            step_forms.raw_of(document) if step is not None else journey_form.raw_of(document)
        )
    else:
        shown_raw = raw
    own = step.id if step is not None else None
    return Form(
        kind=kind,
        step=step.id if step is not None else "",
        raw=fields(shown_raw),
        mistakes=Mistakes(mistakes),
        choices=_choices(shown, own, shown_raw, words),
        problems=[problem for problem in shown.problems if problem.step == own],
        says=f"/journeys/{shown.found.id}/condition",
        unsaved=raw is not None,
    )


def _choices(shown: Shown, own: str | None, raw: Raw, words: Words) -> Choices:
    step, known = shown.step(own or ""), shown.around.known
    parameters: list[Field] = []
    if isinstance(step, ActivityStep) and step.activity in known.activities:
        parameters = fields_of(known.activities[step.activity].parameters)
    named = {text(one, "template") for one in (raw, *rows(raw.get("variants")))}
    written = {id_: template.locales for id_, template in known.templates.items() if id_ in named}
    sentences = shown.sentences(words)
    before = list(_before(shown.journey, own))
    conditioned = step is None or any(True for _builder in builders(step.type, raw))
    return Choices(
        templates=[
            (id_, name, shown.names.made_for.get(id_, ""))
            for id_, name in sorted(shown.names.templates.items(), key=_by_name)
        ],
        **asking(shown.names, words),
        steps=[(step.id, sentences.title(step)) for step in before],
        messages=[
            (step.id, sentences.title(step)) for step in before if isinstance(step, SendStep)
        ],
        journeys=[
            one
            for one in sorted(shown.names.journeys.items(), key=_by_name)
            if one[0] != shown.journey.id
        ],
        parameters=parameters,
        calls=[
            (step.id, sentences.title(step))
            for step in before
            if isinstance(step, ActivityStep | WebhookStep)
        ],
        entry=opening_event(shown.journey.entry.on) or "",
        lexicon=of_steps(before, known.activities) if conditioned else "",
        languages=sorted({locale for locales in written.values() for locale in locales}),
    )


_CONDITIONS: Final = (
    ("trait", N_("What is known of the customer")),
    ("event", N_("What the customer has done")),
    ("value", N_("A figure over past events")),
    ("anniversary", N_("A yearly day, like a birthday")),
    ("segment", N_("A segment")),
    ("subscribed", N_("What the customer wants to get")),
    ("reachable", N_("How the customer can be reached")),
    ("step", N_("What became of a step")),
    ("result", N_("What a call has brought")),
    ("property", N_("What the entry's event says")),
    ("group", N_("A group of conditions")),
)
_OF_EVENT: Final = (
    ("property", N_("What the event says")),
    *_CONDITIONS[:-2],
    _CONDITIONS[-1],
)


_OF_JOURNEYS: Final = frozenset({"step", "result"})
"""What only a journey's conditions can ask, inside events, too."""


def asking(names: Names, words: Words, *, in_journey: bool = True) -> dict[str, Any]:
    """Return the fields of `Asking` that are the same for each form; a segment is in no journey."""
    _ = words.gettext
    out = frozenset() if in_journey else _OF_JOURNEYS
    return {
        "topics": sorted(names.topics.items(), key=_by_name),
        "segments": sorted(names.segments.items(), key=_by_name),
        "channels": [(channel, channel_name(channel, words)) for channel in CHANNELS],
        "kinds": [
            (kind, _(name))
            for kind, name in _CONDITIONS
            if kind not in out and (in_journey or kind != "property")
        ],
        "kinds_of_event": [(kind, _(name)) for kind, name in _OF_EVENT if kind not in out],
        "comparisons": [(sign, _(name), FITS.get(sign, "")) for sign, name in COMPARISONS],
        "made": [(name, _(title)) for name, title in MADE],
    }


def _by_name(item: tuple[str, str]) -> str:
    return item[1].casefold()


def _before(journey: Journey, own: str | None) -> Iterable[AnyStep]:
    for step in walk(journey.steps):
        if step.id == own:
            return
        yield step


def step_mistakes(document: Document) -> dict[str, Said]:
    """Return what the model finds wrong with a step, by the place in the document."""
    try:
        _STEP.validate_python(document)
    except ValidationError as error:
        return by_place(error, skip=1)
    return {}


def journey_mistakes(document: Document) -> dict[str, Said]:
    """Return what the model finds wrong with what a journey says of itself."""
    try:
        Journey.model_validate({**document, "steps": []})
    except ValidationError as error:
        return by_place(error, skip=0)
    return {}


def by_place(error: ValidationError, skip: int = 0) -> dict[str, Said]:
    """Return mistakes by their place in the document, without its first `skip` parts."""
    found: dict[str, Said] = {}
    for mistake in error.errors(include_url=False, include_input=False):
        parts = [str(part) for part in mistake["loc"][skip:] if not is_tag(part)]
        found.setdefault(".".join(parts), sentence(mistake))
    return found
