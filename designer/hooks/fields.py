"""Reading the fields of a shop's document: what is not as it should be is left out."""

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from engine.model.base import Frozen

M = TypeVar("M", bound=Frozen)

_log = logging.getLogger(__name__)

LONGEST: Final = 5_000
"""The longest text that is kept, in characters."""


def text(document: Mapping[str, Any], name: str) -> str | None:
    """Return a text, or a number as one; None when it is empty."""
    value = document.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip()[:LONGEST] or None if isinstance(value, str) else None


def number(document: Mapping[str, Any], name: str) -> float | int | None:
    """Return a number, which shops often write as a text: `"59.90"`."""
    value = document.get(name)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else round(value, 6)


def inside(document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return the object inside an object, an empty one when it is not there."""
    for name in names:
        found = document.get(name)
        document = found if isinstance(found, dict) else {}
    return document


def several(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    found = document.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def instant(document: Mapping[str, Any], name: str) -> datetime | None:
    """Return an instant; one without a zone is in UTC."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def truth(document: Mapping[str, Any], name: str) -> bool:
    """Whether a field says yes, as a truth or as PHP writes one."""
    value = document.get(name)
    return value is True or (isinstance(value, int | str) and str(value) == "1")


def fitting(model: type[M], some: Iterable[Mapping[str, Any]]) -> list[M]:
    """Return those that are what they should be; the shop would only send the others again."""
    found = []
    for values in some:
        try:
            found.append(model.model_validate(values))
        except ValidationError as error:
            places = {str(mistake["loc"][0]) for mistake in error.errors(include_input=False)}
            _log.warning("A %s is left out: %s.", model.__name__, ", ".join(sorted(places)))
    return found


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are there."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
