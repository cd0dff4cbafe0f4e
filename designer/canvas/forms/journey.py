"""The form of the journey as a whole: who enters, what for, what ends it early."""

from typing import Any, Final

from designer.canvas.forms.conditions import condition_of, group_of
from designer.canvas.forms.opening import opening_of, opening_raw, pace_of, pace_raw
from designer.canvas.forms.raw import (
    Raw,
    length,
    length_raw,
    part,
    rows,
    text,
    whole,
    without_empty,
)
from designer.canvas.forms.steps import match_of, match_raw

Document = dict[str, Any]


def raw_of(journey: Document) -> Raw:
    """Return what the journey's form shows."""
    entry, goal = journey["entry"], journey.get("goal") or {}
    on, again = entry["on"], entry.get("reentry", {})
    return {
        "name": journey["name"],
        "note": journey.get("note", ""),
        "priority": str(journey.get("priority", 50)),
        "topic": journey.get("topic", ""),
        "holdout": journey.get("holdout", "0%").removesuffix("%"),
        "entry": {
            **opening_raw(on),
            "pace": pace_raw(entry.get("pace")),
            "if": group_of(entry.get("if")),
            "mode": again.get("mode", "after_exit"),
            "cooldown": length_raw(again.get("cooldown")),
            "key": again.get("key", ""),
            "max_age": length_raw(entry.get("max_age", "1d")),
        },
        "goal": {
            "event": goal.get("event", ""),
            "where": group_of(goal.get("where")),
            "within": length_raw(goal.get("within", "7d")),
            "revenue": goal.get("revenue", ""),
        },
        "exits": [
            {**match_raw(rule["on"]), "reason": rule.get("reason", "")}
            for rule in journey.get("exits", [])
        ],
    }


def document_of(journey: Document, raw: Raw) -> Document:
    """Return what the journey says of itself, as its form says it."""
    holdout, priority = text(raw, "holdout"), text(raw, "priority")
    exits = [
        {"on": match_of(row), **without_empty({"reason": text(row, "reason")})}
        for row in rows(raw.get("exits"))
    ]
    made = without_empty(
        {
            "name": text(raw, "name"),
            "note": text(raw, "note"),
            "priority": whole(priority) if priority not in {"", "50"} else None,
            "entry": _entry(journey["entry"], part(raw, "entry")),
            "holdout": f"{holdout}%" if holdout not in {"", "0"} else None,
            "topic": text(raw, "topic"),
            "goal": _goal(part(raw, "goal")),
            "exits": exits,
        }
    )
    return {"format": journey.get("format", 1), "name": "", **made}


def _entry(entry: Document, raw: Raw) -> Document:
    mode = text(raw, "mode")
    again = without_empty(
        {
            "mode": mode,
            "cooldown": length(part(raw, "cooldown")),
            "key": text(raw, "key") if mode == "per_key" else None,
        }
    )
    age = length(part(raw, "max_age"))
    more = {
        "if": condition_of(part(raw, "if")),
        "reentry": again if again != {"mode": "after_exit"} else None,
        "max_age": age if age != "1d" else None,
        "pace": pace_of(part(raw, "pace")),
        **{key: value for key, value in entry.items() if key not in _SHOWN},
    }
    return {"on": opening_of(raw), **without_empty(more)}


_SHOWN: Final = {"on", "if", "reentry", "max_age", "pace"}


def _goal(raw: Raw) -> Document | None:
    if not text(raw, "event"):
        return None
    more = {"where": condition_of(part(raw, "where")), "revenue": text(raw, "revenue")}
    within = length(part(raw, "within")) or ""
    return {"event": text(raw, "event"), "within": within, **without_empty(more)}
