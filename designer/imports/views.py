"""What the pages of imports show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from designer.words import N_, NN_, Words
from engine.flow.importing import BROKEN, GONE, KEPT_FOR, OTHERS, Folder
from engine.flow.imports.mapping import IGNORE, NAMED, TARGETS, About, Assigned, Column
from engine.flow.imports.reading import READINGS
from engine.store.imports import OPEN, Job

KINDS: Final[dict[str, tuple[str, str]]] = {
    "customers": (N_("Customers"), N_("Who they are: ids, addresses, names, anything you know.")),
    "events": (N_("Events"), N_("What they did: orders, visits, anything with a date.")),
}

_STATES: Final = {
    "new": (N_("To be checked"), ""),
    "checking": (N_("Being checked"), "info"),
    "checked": (N_("Checked"), "warn"),
    "running": (N_("Being imported"), "info"),
    "done": (N_("Imported"), "good"),
    "cancelled": (N_("Stopped"), ""),
    "failed": (N_("Interrupted"), "bad"),
}

_SIZES: Final = ((N_("%(n)s GB"), 10**9), (N_("%(n)s MB"), 10**6), (N_("%(n)s kB"), 10**3))

_TARGETS: Final = {
    IGNORE: N_("Leave it out"),
    "external_id": N_("Your id of the customer"),
    "anonymous_id": N_("Id of a visitor"),
    "id": N_("Another id, such as a card"),
    "email": N_("Email address"),
    "phone": N_("Phone number"),
    "locale": N_("Language"),
    "time_zone": N_("Time zone"),
    "trait": N_("Trait"),
    "event": N_("Which event it is"),
    "timestamp": N_("When it happened"),
    "message_id": N_("Id of the event"),
    "property": N_("Property of the event"),
}

_READINGS: Final = {
    "auto": N_("As it looks"),
    "text": N_("Text"),
    "comma": N_("Number like 1 234,50"),
    "truth": N_("Yes or no"),
    "iso": N_("Date like 2026-01-31"),
    "dmy": N_("Date like 31.01.2026"),
    "mdy": N_("Date like 01/31/2026"),
    "seconds": N_("Seconds since 1970"),
}

_ERRORS: Final = {
    GONE: N_(
        "The file is not where it is looked for: web and dispatcher need the same data folder."
    ),
    BROKEN: N_("Something went wrong here; the log says where."),
}

REASONS: Final = (
    N_("… is no date like 2026-01-31"),
    N_("… is no date like 31.01.2026"),
    N_("… is no date like 01/31/2026"),
    N_("… is no date like 1767225600"),
    N_("… is no number like 1234,50"),
    N_("… is neither yes nor no"),
    N_("… is no phone number"),
    N_("… is no time zone; write one like Europe/Paris"),
    N_("… is no locale; write one like fr or fr-CH"),
    N_("a text is needed"),
    N_("the customer's id is needed"),
    N_("when it happened is needed"),
    N_("the year … cannot be right"),
    N_("an event needs userId or anonymousId"),
    N_("the event's name is needed"),
    N_("the row has … fields, the header …"),
    N_("the line is not JSON"),
    N_("the line holds a NUL character"),
    N_("a line is one JSON object"),
    N_("the line is nested too deeply"),
    N_("it is longer than … characters"),
    N_(OTHERS),
)
"""Reasons for which lines are rejected; what is of one line alone is left out of them."""

COUNTS: Final = {
    "accepted": NN_("%(n)s row can be imported", "%(n)s rows can be imported"),
    "rejected": NN_("%(n)s row cannot be read", "%(n)s rows cannot be read"),
    "known": NN_("%(n)s of them is stored already", "%(n)s of them are stored already"),
    "customers_new": NN_("%(n)s new customer", "%(n)s new customers"),
    "customers_known": NN_("%(n)s customer whom you know", "%(n)s customers whom you know"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why lines are rejected, how often, and which was the first."""

    text: str
    count: int
    line: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An import in its reader's words."""

    job: Job
    kind: str
    state: str
    tone: str
    size: str
    share: int
    error: str
    reasons: list[Reason]
    open: bool
    rejects: bool

    @property
    def total(self) -> int:
        """How many rows are dealt with."""
        return self.job.accepted + self.job.rejected


def shown(job: Job, words: Words, folder: Folder | None = None) -> Shown:
    """Show an import."""
    state, tone = _STATES[job.state]
    reasons = [
        Reason(_reason(reason, words), count, line)
        for reason, (count, line) in sorted(job.reasons.items(), key=lambda item: -item[1][0])
    ]
    return Shown(
        job=job,
        kind=words.gettext(KINDS[job.kind][0]),
        state=words.gettext(state),
        tone=tone,
        size=size(job.size, words),
        share=100 * job.offset // job.size if job.size else 0,
        error=words.gettext(_ERRORS.get(job.error or "", job.error or "")),
        reasons=reasons,
        open=job.state in OPEN,
        rejects=folder is not None and job.rejected > 0 and folder.rejects(job.id).exists(),
    )


def counts(told: Mapping[str, int], about: About, words: Words) -> list[tuple[str, str]]:
    """Say what a check has found; the name of each tells how it is marked."""
    names = ["accepted", "rejected", "customers_new", "customers_known"]
    if about == "events":
        names.insert(1, "known")
    return [
        (name, words.ngettext(*COUNTS[name], told[name]))
        for name in names
        if told[name] or name == "accepted"
    ]


def size(bytes_: int, words: Words) -> str:
    """Write how large a file is."""
    for text, least in _SIZES:
        if bytes_ >= least:
            return words.gettext(text, n=words.number(round(bytes_ / least, 1)))
    return words.ngettext("%(n)s byte", "%(n)s bytes", bytes_)


def days(length: timedelta = KEPT_FOR) -> int:
    """Return a length in days."""
    return length.days


@dataclass(frozen=True, slots=True)
class Row:
    """A column of the file in the form: with some of its texts."""

    index: int
    column: Column
    samples: list[str]
    wrong: str = ""


def rows(
    mapping: Assigned, records: list[Mapping[str, Any]], wrong: Mapping[int, str], words: Words
) -> list[Row]:
    """Return the columns as the form shows them."""
    return [
        Row(index, column, _samples(column.name, records, words), wrong.get(index, ""))
        for index, column in enumerate(mapping.columns)
    ]


def _samples(name: str, records: list[Mapping[str, Any]], words: Words) -> list[str]:
    found = [cut(record.get(name), words, 40) for record in records]
    return list(dict.fromkeys(text for text in found if text))[:3]


def cut(value: Any, words: Words, most: int = 60) -> str:
    """Write a value of a file, cut where it is long."""
    text = value if isinstance(value, str) else "" if value is None else words.value(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def targets(about: About, words: Words) -> list[tuple[str, str]]:
    """Return what a column can be."""
    return [(name, words.gettext(_TARGETS[name])) for name in (IGNORE, *TARGETS[about])]


def readings(words: Words) -> list[tuple[str, str]]:
    """Return how a column can be written."""
    return [(name, words.gettext(_READINGS[name])) for name in READINGS]


def named() -> str:
    """Return the targets that need a name, for the page's script."""
    return " ".join(NAMED)


def _reason(reason: str, words: Words) -> str:
    if reason == OTHERS:
        return words.gettext(reason)
    return ": ".join(words.gettext(part) for part in reason.rstrip(".").split(": "))
