"""The part of the journey's form that says what opens it, and how fast many enter."""

from typing import Any, Final

from designer.canvas.forms.raw import Raw, length, length_raw, part, text, without_empty
from designer.canvas.forms.steps import match_of, match_raw
from designer.canvas.schedules import Times, in_plain_words
from engine.model.base import WEEKDAYS
from engine.model.opening import Pace

Document = dict[str, Any]

KINDS: Final = ("event", "segment_entered", "segment_left", "date", "schedule", "api")

_AS_CRON: Final = "cron"


def opening_raw(on: Document) -> Raw:
    """Return what the form shows of what opens a journey."""
    kind = next(kind for kind in KINDS if kind in on)
    segment = on.get(kind, "") if kind.startswith("segment") else on.get("segment", "")
    return {
        "kind": kind,
        "on": match_raw(on),
        "segment": segment,
        "date": on.get("date", ""),
        "yearly": "yes" if on.get("yearly") else "",
        "offset": length_raw(on.get("offset")),
        "time": on.get("time", ""),
        "schedule": _times(on.get("schedule", "0 10 * * mon")),
        "zone": on.get("zone", ""),
    }


def opening_of(raw: Raw) -> Document:
    """Return what opens a journey, as its form says."""
    kind, segment = text(raw, "kind"), text(raw, "segment")
    match kind:
        case "segment_entered" | "segment_left":
            return {kind: segment}
        case "date":
            more = {
                "yearly": True if text(raw, "yearly") else None,
                "offset": length(part(raw, "offset")),
                "time": text(raw, "time"),
            }
            return {"date": text(raw, "date"), **without_empty(more)}
        case "schedule":
            more = {"zone": text(raw, "zone"), "segment": segment}
            return {"schedule": _cron(part(raw, "schedule")), **without_empty(more)}
        case "api":
            return {"api": True}
        case _:
            return match_of(part(raw, "on"))


def _times(cron: str) -> Raw:
    plain = in_plain_words(cron)
    shown = plain or Times("week", "10:00", days=("mon",))
    return {
        "every": plain.every if plain is not None else _AS_CRON,
        "at": shown.at,
        "days": list(shown.days),
        "day": shown.day,
        "cron": cron,
    }


def _cron(raw: Raw) -> str:
    every, at = text(raw, "every"), text(raw, "at")
    chosen = raw.get("days")
    match every:
        case "day" | "week" | "month":
            days = tuple(day for day in WEEKDAYS if isinstance(chosen, list) and day in chosen)
            made = Times(every, at, days=days, day=text(raw, "day")).cron
        case _:
            return text(raw, "cron")
    # What was written another way and means the same stays as it was written.
    before = text(raw, "cron")
    return before if in_plain_words(before) == in_plain_words(made) is not None else made


def pace_raw(pace: str | None) -> Raw:
    """Return a pace's number and unit."""
    count, _, unit = (pace or "").partition("/")
    return {"n": count, "unit": unit or "min"}


def pace_of(raw: Raw) -> Pace | str | None:
    """Return a pace from its number and unit; None when it is empty."""
    count = text(raw, "n")
    return f"{count}/{text(raw, 'unit') or 'min'}" if count else None
