"""Which JSON can be stored, and how it is written for that."""

from typing import Any

import orjson


def dump(value: Any) -> bytes:
    """Write JSON; `TypeError` when, inside a row of ours, it would be nested too deeply."""
    return orjson.dumps([[[[[[[[value]]]]]]]])[8:-8]


def find_nul(value: Any, place: str = "") -> str | None:
    """Return where the value holds a NUL character."""
    if isinstance(value, str):
        return (place or "(whole)") if "\0" in value else None
    if isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                return place or "(whole)"
            if found := find_nul(item, f"{place}.{key}" if place else key):
                return found
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if found := find_nul(item, f"{place}[{index}]"):
                return found
    return None
