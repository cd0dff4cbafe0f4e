"""What the pages of duplicates show: two customers side by side, and merges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from designer.canvas.sentences import readable
from designer.customers import known
from designer.customers import views as customers
from designer.views import Mark, customer_name
from designer.words import N_, Words
from engine.store import search, suggestions
from engine.store.suggestions import REASONS, Reason

_REASONS: Final[Mapping[Reason, str]] = {
    "alias": N_("one of the shop's systems says so"),
    "identities": N_("one call named ids of both"),
    "login": N_("logged in where the other had been"),
    "email": N_("the same email address"),
    "name_birthday": N_("the same name and birthday"),
    "name_postcode": N_("the same name and postcode"),
    "phone": N_("the same phone number"),
}
_LIKELY: Final = 4
_VERY_LIKELY: Final = 6
"""From what strength on a pair is called so."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact of both; `same` when there is no difference, None when that says nothing."""

    name: str
    first: str
    second: str
    same: bool | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two customers, what speaks for their being one, and what each has."""

    ids: tuple[str, str]
    names: tuple[str, str]
    lines: list[Line]
    reasons: list[str]
    mark: Mark
    decided_at: datetime | None = None
    decided_by: str | None = None

    @property
    def key(self) -> str:
        """What its parts are called in a page."""
        return f"{self.ids[0]}-{self.ids[1]}"


@dataclass(frozen=True, slots=True)
class Merge:
    """One who was merged into another."""

    id: str
    customer: str
    kept: str
    merged: str
    at: datetime
    how: str
    undone: str
    undoable: bool


def reasons(words: Words) -> list[tuple[Reason, str]]:
    """Return what may speak for a pair, in words."""
    return [(reason, words.gettext(_REASONS[reason])) for reason in REASONS]


def pairs(connection: Connection, found: Sequence[Mapping[str, Any]], words: Words) -> list[Pair]:
    """Return the pairs, each with what both are like."""
    ids = {UUID(one[side]) for one in found for side in ("first", "second")}
    profiles = {str(id): search.customer(connection, id) for id in ids}
    seen = suggestions.seen(connection, ids)
    return [_pair((one["first"], one["second"]), one, profiles, seen, words) for one in found]


def pair(connection: Connection, one: UUID, other: UUID, words: Words) -> Pair:
    """Return two customers whom somebody has chosen."""
    ids = (one, other)
    profiles = {str(id): search.customer(connection, id) for id in ids}
    none = {"reasons": [], "strength": 0}
    return _pair((str(one), str(other)), none, profiles, suggestions.seen(connection, ids), words)


def _pair(
    ids: tuple[str, str],
    found: Mapping[str, Any],
    profiles: Mapping[str, Mapping[str, Any]],
    seen: Mapping[str, Mapping[str, Any]],
    words: Words,
) -> Pair:
    first, second = (profiles[id] for id in ids)
    return Pair(
        ids=ids,
        names=(_name(first, words), _name(second, words)),
        lines=[
            *_lines([_facts(profiles[id], words) for id in ids], compared=True),
            *_lines([_doings(profiles[id], seen[id], words) for id in ids], compared=False),
        ],
        reasons=[said for reason, said in reasons(words) if reason in found["reasons"]],
        mark=_mark(found["strength"], words),
        decided_at=found.get("decided_at"),
        decided_by=found.get("decided_by"),
    )


def _name(profile: Mapping[str, Any], words: Words) -> str:
    return customer_name(profile["traits"], profile["addresses"], words)


def _mark(strength: int, words: Words) -> Mark:
    if strength >= _VERY_LIKELY:
        return Mark(words.gettext("Very likely"), "good")
    if strength >= _LIKELY:
        return Mark(words.gettext("Likely"), "blue")
    return Mark(words.gettext("Perhaps"), "")


def _facts(profile: Mapping[str, Any], words: Words) -> dict[str, list[str]]:
    """Return who one is, by the fact's name."""
    shown = customers.profile(profile, words)
    found: dict[str, list[str]] = {words.gettext("Name"): [shown.name]}
    for fact in (*shown.addresses, *shown.identities):
        found.setdefault(fact.name, []).append(fact.value)
    for trait in known.traits(profile, {}, {}, words).told:
        found.setdefault(trait.name, []).append(trait.value)
    return found


def _doings(
    profile: Mapping[str, Any], seen: Mapping[str, Any], words: Words
) -> dict[str, list[str]]:
    """Return what one has done, by the fact's name."""
    _ = words.gettext
    return {
        _("Orders"): [words.number(seen["orders"])],
        _("Last seen"): [words.moment(seen["seen_at"])] if seen["seen_at"] else [],
        _("Known since"): [words.day(profile["created_at"])],
        _("In a journey now"): [_("yes") if seen["inside"] else _("no")],
    }


def _lines(both: Sequence[dict[str, list[str]]], *, compared: bool) -> list[Line]:
    first, second = both
    lines = []
    for name in {**first, **second}:
        one, other = (", ".join(side.get(name, [])) for side in both)
        same = one.casefold() == other.casefold() if compared and one and other else None
        if one or other:
            lines.append(Line(name, one, other, same))
    return lines


_HOW: Final = {
    "person": N_("decided by %(who)s"),
    "alias": N_("said by one of the shop's systems"),
}


def merges(found: Sequence[Mapping[str, Any]], words: Words) -> list[Merge]:
    """Return the merges."""
    return [
        Merge(
            id=one["id"],
            customer=one["customer"],
            kept=_called(one["shown"]["kept"] or one["shown"]["now"], words),
            merged=_called(one["shown"]["merged"], words),
            at=one["at"],
            how=words.gettext(_HOW.get(one["how"], readable(one["how"])), who=one["by"]),
            undone=_undone(one, words),
            undoable=one["undoable"],
        )
        for one in found
    ]


def _called(shown: Mapping[str, Any], words: Words) -> str:
    return customer_name(shown["traits"], shown["addresses"], words)


def _undone(one: Mapping[str, Any], words: Words) -> str:
    if one["undone_at"] is None:
        return ""
    return words.gettext("undone by %(who)s", who=one["undone_by"])
