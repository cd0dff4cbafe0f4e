"""What the pages of segments show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from designer.segments.charts import spark
from designer.segments.uses import Uses
from designer.sheet import instant
from designer.views import Mark, customer_name
from designer.words import N_, Words
from engine.store.populations import Change, Population

_NAMED: Final = 3
"""So many of those that use a segment are named in the list."""

SORTS: Final = {
    "name": N_("By name"), "size": N_("Largest first"), "change": N_("Most changed in 7 days"),
}  # fmt: skip

SPANS: Final = {
    "7d": (7, N_("7 days")), "30d": (30, N_("30 days")), "90d": (90, N_("90 days")),
    "1y": (365, N_("1 year")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """How large a segment is, and how that has changed."""

    size: str
    share: str
    week: str
    month: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is: `done` of `total` customers; without a total, nobody knows yet."""

    done: int
    total: int
    said: str


@dataclass(frozen=True, slots=True)
class Row:
    """A segment in the list."""

    id: str
    name: str
    rule: str
    figures: Figures
    mark: Mark
    progress: Progress | None
    line: str
    used: str
    used_by: str


def row(found: Population, total: int, rule: str, uses: Uses, words: Words) -> Row:
    """Return a row of the list."""
    return Row(
        id=found.id,
        name=found.name,
        rule=rule,
        figures=figures(found, total, words),
        mark=mark(found, words),
        progress=progress(found, words),
        line=spark(found.series),
        used=_used(uses, words),
        used_by=words.items(uses.names),
    )


def _used(uses: Uses, words: Words) -> str:
    names = uses.names
    if len(names) <= _NAMED:
        return words.items(names)
    more = len(names) - _NAMED + 1
    others = words.ngettext("%(n)s other", "%(n)s others", more)
    return words.items([*names[: _NAMED - 1], others])


def mark(found: Population, words: Words) -> Mark:
    """Say a segment's state."""
    _ = words.gettext
    if found.state == "building":
        return Mark(_("Building"), "blue", "", _("Everybody is being looked at anew"))
    return Mark(_("Ready"), "good", "", _("Customers enter and leave by themselves"))


def figures(found: Population, total: int, words: Words) -> Figures:
    """Return how large a segment is."""
    return Figures(
        size=words.number(found.size),
        share=words.percent(found.size / total, digits=1) if total else "—",
        week=_change(found.size, found.before, words),
        month=_change(found.size, found.long_before, words),
    )


def _change(now: int, before: int | None, words: Words) -> str:
    if before is None:
        return "—"
    difference = now - before
    sign = "+" if difference > 0 else "\N{MINUS SIGN}" if difference < 0 else "±"
    return f"{sign}{words.number(abs(difference))}"


def progress(found: Population, words: Words) -> Progress | None:
    """Return how far a build is; None when nothing is being built."""
    if found.state != "building":
        return None
    if not found.total or found.applied >= found.total:
        return Progress(0, 0, words.gettext("Looking at everybody…"))
    said = words.gettext(
        "%(done)s of %(total)s customers",
        done=words.number(found.applied),
        total=words.number(found.total),
    )
    return Progress(found.applied, found.total, said)


@dataclass(frozen=True, slots=True)
class Bar:
    """How many of a segment's customers are also in another one."""

    id: str
    name: str
    count: str
    share: str
    percent: int


def bars(found: Sequence[tuple[str, str, int]], size: int, words: Words) -> list[Bar]:
    """Return the overlaps, the largest first."""
    return [
        Bar(
            id=id_,
            name=name,
            count=words.number(both),
            share=words.percent(both / size) if size else "",
            percent=min(100, max(1, round(100 * both / size))) if size else 0,
        )
        for id_, name, both in found
    ]


@dataclass(frozen=True, slots=True)
class Person:
    """A customer in the segment."""

    id: str
    name: str
    known_as: str
    since: datetime
    until: datetime | None


def people(found: Iterable[Mapping[str, Any]], words: Words) -> list[Person]:
    """Return the list of those who are inside."""
    return [
        Person(
            id=one["id"],
            name=(name := customer_name(one["traits"], one["addresses"], words)),
            known_as=known_as if (known_as := _known_as(one)) != name else "",
            since=one["since"],
            until=one["next_change_at"],
        )
        for one in found
    ]


def _known_as(one: Mapping[str, Any]) -> str:
    by = {identity["namespace"]: str(identity["value"]) for identity in one["identities"]}
    return by.get("external_id") or str(one["addresses"].get("email") or "")


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody who has entered or left, or may by time alone."""

    customer: str
    name: str
    at: datetime
    icon: str
    said: str


def moves(found: Iterable[Change], words: Words) -> list[Move]:
    """Return who has entered and left."""
    said = {True: words.gettext("has entered"), False: words.gettext("has left")}
    return [_move(one, said[one.inside], words, entering=one.inside) for one in found]


def to_come(found: Iterable[Change], words: Words) -> list[Move]:
    """Return who may enter or leave because time passes."""
    said = {True: words.gettext("may leave"), False: words.gettext("may enter")}
    return [_move(one, said[one.inside], words, entering=not one.inside) for one in found]


def _move(one: Change, said: str, words: Words, *, entering: bool) -> Move:
    return Move(
        customer=str(one.customer),
        name=customer_name(one.traits, one.addresses, words),
        at=one.at,
        icon="log-in" if entering else "log-out",
        said=said,
    )


COLUMNS: Final = ("id", "external_id", "email", "phone", "since", "next_change_at")


def cells(items: Iterable[Mapping[str, Any]], words: Words) -> list[list[str]]:
    """Return rows of the export."""
    return [
        [
            one["id"],
            next((i["value"] for i in one["identities"] if i["namespace"] == "external_id"), ""),
            str(one["addresses"].get("email") or ""),
            str(one["addresses"].get("phone") or ""),
            instant(one["since"], words),
            instant(one["next_change_at"], words),
        ]
        for one in items
    ]


def begins(span: str, today: date) -> date:
    """Return the day on which a span of the chart begins."""
    days, _name = SPANS[span]
    return today - timedelta(days=days)
