"""What the list of a journey's customers shows of each, and what its export holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from designer.canvas.sentences import Sentences, readable
from designer.customers.telling import ending
from designer.sheet import instant, sheet
from designer.views import Mark, customer_name
from designer.words import N_, Words
from engine.model.journey import Journey, walk
from engine.store.drafts import Names
from engine.store.interventions import Intervention

Journeys = Mapping[tuple[str, int], Journey]


@dataclass(frozen=True, slots=True)
class Row:
    """One customer's way through the journey."""

    run: str
    customer: str
    name: str
    known_as: str
    at: datetime
    times: str
    mark: Mark
    where: str
    until: datetime | None
    inside: bool


class Rows:
    """Shows runs of one journey."""

    def __init__(self, journey: str, journeys: Journeys, names: Names, words: Words) -> None:
        self._journey = journey
        self._words = words
        self._titles: dict[int, dict[str, str]] = {}
        for (_, version), parsed in journeys.items():
            sentences = Sentences(words, parsed, names)
            self._titles[version] = {step.id: sentences.title(step) for step in walk(parsed.steps)}

    def rows(self, items: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Return the list's rows."""
        return [self._row(one) for one in items]

    def _row(self, one: Mapping[str, Any]) -> Row:
        words = self._words
        name = customer_name(one["traits"], one["addresses"], words)
        known_as = one["external_id"] or one["addresses"].get("email") or ""
        times = words.ngettext("%(n)s time", "%(n)s times", one["times"])
        return Row(
            run=str(one["id"]),
            customer=str(one["customer_id"]),
            name=name,
            known_as=known_as if known_as != name else "",
            at=one["at"],
            times=times if one["times"] > 1 else "",
            mark=self._mark(one),
            where=self._where(one),
            until=self._until(one),
            inside=one["ended_at"] is None and not one["held_out"],
        )

    def _mark(self, one: Mapping[str, Any]) -> Mark:
        _ = self._words.gettext
        if one["held_out"]:
            return Mark(_("Held out"), "", "users", _("Receives nothing, to compare with"))
        if one["ended_at"] is not None:
            how = ending(self._words, one["end_reason"])
            said = how[:1].upper() + how[1:] or _("Left")
            return Mark(said, "good" if one["goal_at"] else "", "log-out")
        if one["held_at"] is not None:
            return Mark(_("Held"), "warn", "pause", _("The journey is paused: she stays here"))
        return Mark(_("Inside"), "blue", "activity")

    def _where(self, one: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        if one["ended_at"] is not None or one["held_out"] or one["step"] is None:
            if one["goal_at"] and one["ended_at"] is not None:
                return _("The goal was reached")
            return ""
        step = self._titles.get(one["version"], {}).get(one["step"]) or readable(one["step"])
        if one["held_at"] is not None:
            return step
        match one["kind"]:
            case "deliver" if one["until"] is not None:
                return _("%(step)s: put off", step=step)
            case "deliver":
                return _("%(step)s: is being sent", step=step)
            case "call":
                return _("%(step)s: under way", step=step)
            case _:
                return step

    def _until(self, one: Mapping[str, Any]) -> datetime | None:
        until: datetime | None = one["until"]
        if one["ended_at"] is not None or one["held_at"] is not None or one["kind"] == "call":
            return None
        return until


# What becomes of an intervention, said of several; `passed` are the reasons of the store.
_PASSED: Final = {
    "held": N_("held by the pause, and stay held"),
    "elsewhere": N_("gone on by themselves meanwhile"),
    "ended": N_("had left already"),
    "gone": N_("deleted meanwhile"),
    "cancelled": N_("left alone, because it was stopped"),
}


def passed(found: Intervention, words: Words) -> list[tuple[str, str]]:
    """Say why nothing was done with some, each with how many they are."""
    return [(words.number(n), words.gettext(_PASSED[reason])) for reason, n in found.passed.items()]


COLUMNS: Final = ("id", "external_id", "email", "step", "since", "until", "result")


def table(pages: Iterable[Sequence[Mapping[str, Any]]], words: Words) -> Iterator[bytes]:
    """Yield the export, a piece for each page of the list."""
    return sheet(COLUMNS, ([_cells(one, words) for one in items] for items in pages))


def _cells(one: Mapping[str, Any], words: Words) -> list[str]:
    ended = one["ended_at"] is not None
    result = one["end_reason"] if ended else "held" if one["held_at"] else "inside"
    return [
        str(one["customer_id"]),
        one["external_id"] or "",
        str(one["addresses"].get("email") or ""),
        "" if ended else one["step"] or "",
        instant(one["at"], words),
        "" if ended or one["held_at"] else instant(one["until"], words),
        "held_out" if one["held_out"] else result or "",
    ]
