"""What the list of journeys shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from designer.views import Mark, journey_mark
from designer.words import Words
from engine.store.overview import Listed

STATES: Final = ("live", "paused", "draft", "archived")


@dataclass(frozen=True, slots=True)
class Row:
    """One journey."""

    id: str
    name: str
    opens: str
    mark: Mark
    archived: bool
    version: str
    entered: str
    active: str
    goal: str
    goal_title: str
    sent: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """A state to choose the journeys by."""

    value: str
    name: str
    count: str


def rows(listed: Listed, words: Words) -> list[Row]:
    """Return the table's rows."""
    return [_row(found, words) for found in listed.rows]


def filters(listed: Listed, words: Words) -> list[Filter]:
    """Return the states there are journeys in, all but the archived ones first."""
    total = sum(n for state, n in listed.states.items() if state != "archived")
    shown = [Filter("", words.gettext("All"), words.number(total))]
    return shown + [
        Filter(state, journey_mark(state, words).text, words.number(listed.states[state]))
        for state in STATES
        if listed.states.get(state)
    ]


def _row(found: dict[str, Any], words: Words) -> Row:
    entered, goal = found["entered"], found["goal"]
    known = found["has_goal"] and entered
    return Row(
        id=found["id"],
        name=found["name"],
        opens=_opens(found["opens"], words),
        mark=journey_mark(found["state"], words),
        archived=found["state"] == "archived",
        version=words.gettext("Version %(n)s", n=found["live_version"])
        if found["live_version"]
        else "",
        entered=words.number(entered),
        active=words.number(found["active"]),
        goal=words.percent(goal / entered, digits=1) if known else "—",
        goal_title=words.gettext(
            "%(goal)s of %(entered)s", goal=words.number(goal), entered=words.number(entered)
        )
        if known
        else "",
        sent=words.number(found["sent"]),
        updated_at=found["updated_at"],
    )


def _opens(on: Any, words: Words) -> str:
    if isinstance(on, dict) and on.get("event"):
        return words.gettext("On %(event)s", event=words.quote(str(on["event"])))
    return words.gettext("When the shop's systems ask for it")
