"""Choosing among what is written in several languages."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def chosen(locales: Mapping[str, T], *wanted: str | None) -> T:
    """Return what is there for the first wanted locale, or its language, or any."""
    for locale in wanted:
        if locale is None:
            continue
        tag = locale.replace("_", "-")
        for candidate in (tag, tag.split("-")[0]):
            if candidate in locales:
                return locales[candidate]
    return next(iter(locales.values()))
