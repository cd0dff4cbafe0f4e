"""The form of a frequency cap: what stands in it, and what is wrong, by field."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from babel.units import get_unit_name
from pydantic import ValidationError
from starlette.datastructures import FormData

from designer.words import N_, Words
from engine.model.cap import Cap
from engine.model.duration import Duration

_UNITS: Final = {"m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_OFFERED: Final = ("h", "d", "w", "mo")

_MENDS: Final = {
    "name": N_("Give the rule a name by which you know it, like “3 a week”."),
    "limit": N_("Write a whole number from 0 to 1000."),
    "per": N_("Write a number, like 7."),
    "defer_at_most": N_("Write a number, or nothing when it may wait as long as it takes."),
    "offers": N_(
        "Write offers as the steps name them, by letters, digits, “_”, “.” or “-”, with commas "
        "between them."
    ),
    "topics": N_("Choose topics that there are."),
    "keep": N_(
        "Keep at least 1 and fewer than the rule allows, for priorities above a whole number from "
        "0 to 100."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleForm:
    """A rule as its form shows it; all are texts as they were typed."""

    id: str = ""
    name: str = ""
    channels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    offers: str = ""
    limit: str = "3"
    calendar: str = ""
    per: str = "7"
    per_unit: str = "d"
    on_full: str = "defer"
    wait: str = ""
    wait_unit: str = "d"
    keep: str = ""
    above: str = "50"
    wrong: dict[str, str] = field(default_factory=dict)


def form_of(cap: Cap) -> RuleForm:
    """Return the form that shows a rule."""
    rolling = cap.per if isinstance(cap.per, Duration) else None
    per, per_unit = _parts(rolling) if rolling is not None else ("7", "d")
    wait, wait_unit = _parts(cap.defer_at_most) if cap.defer_at_most is not None else ("", "d")
    return RuleForm(
        id=cap.id,
        name=cap.name or cap.id,
        channels=cap.channels,
        topics=cap.topics,
        offers=", ".join(cap.offers),
        limit=str(cap.limit),
        calendar="" if rolling is not None else str(cap.per),
        per=per,
        per_unit=per_unit,
        on_full=cap.on_full,
        wait=wait,
        wait_unit=wait_unit,
        keep=str(cap.keep.slots) if cap.keep else "",
        above=str(cap.keep.above_priority) if cap.keep else "50",
    )


def read_form(sent: FormData, rule_id: str = "") -> RuleForm:
    """Return what was typed."""

    def typed(name: str) -> str:
        return str(sent.get(name) or "").replace("\0", "").strip()

    return RuleForm(
        id=rule_id,
        name=typed("name"),
        channels=tuple(str(one) for one in sent.getlist("channels")),
        topics=tuple(str(one) for one in sent.getlist("topics")),
        offers=typed("offers"),
        limit=typed("limit"),
        calendar=typed("calendar"),
        per=typed("per"),
        per_unit=typed("per_unit"),
        on_full=typed("on_full"),
        wait=typed("wait"),
        wait_unit=typed("wait_unit"),
        keep=typed("keep"),
        above=typed("above"),
    )


def cap_of(form: RuleForm, words: Words) -> Cap | dict[str, str]:
    """Return the rule that the form says, or what is wrong, by field."""
    document: dict[str, Any] = {
        "id": form.id or "new",
        "name": form.name,
        "channels": list(form.channels),
        "topics": list(form.topics),
        "offers": [one.strip() for one in form.offers.split(",") if one.strip()],
        "limit": _number(form.limit),
        "per": form.calendar or form.per + form.per_unit,
        "on_full": form.on_full,
    }
    if form.wait and form.on_full != "skip":
        document["defer_at_most"] = form.wait + form.wait_unit
    if form.keep:
        document["keep"] = {"slots": _number(form.keep), "above_priority": _number(form.above)}
    try:
        return Cap.model_validate(document)
    except ValidationError as error:
        fields = [
            str(mistake["loc"][0]) if mistake["loc"] else "keep" for mistake in error.errors()
        ]
        return {name: words.gettext(_MENDS.get(name, N_("This is not valid."))) for name in fields}


def _number(typed: str) -> int | str:
    return int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) else typed


def _parts(duration: Duration) -> tuple[str, str]:
    found = re.fullmatch(Duration.pattern, duration)
    assert found is not None  # noqa: S101 - every duration matches its pattern
    return found[1], found[2]


def units(chosen: str, words: Words) -> list[tuple[str, str]]:
    """Return the units that a form offers, with the chosen one among them."""
    offered = [*_OFFERED, *(unit for unit in _UNITS if unit == chosen and unit not in _OFFERED)]
    return [
        (unit, str(get_unit_name(f"duration-{_UNITS[unit]}", locale=words.locale)))
        for unit in offered
    ]
