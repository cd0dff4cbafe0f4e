"""Pages of a list: keyset cursors, so that a page costs the same however far down it is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from engine.errors import InvalidInput

MOST = 1000
"""The longest page a list gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some items of a list, and the cursor of the next page when there is one."""

    items: list[dict[str, Any]]
    next: str | None = None


def cursor_of(*key: str | int | datetime | UUID) -> str:
    """Write the place after which the next page begins."""
    return urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> list[Any]:
    """Read a cursor back into values of these types; refuse one that no list gave out."""
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_value(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput("The cursor is not one that this list gave out.") from None


def _value(part: Any, kind: type) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(part)
    if kind is UUID:
        return UUID(part)
    if not isinstance(part, kind) or (isinstance(part, str) and "\0" in part):
        raise ValueError
    return part


def limited(limit: int) -> int:
    """Return the limit, between 1 and the most a list gives."""
    return max(1, min(limit, MOST))


def page(rows: Sequence[Any], limit: int, items: list[dict[str, Any]], *key: str) -> Page:
    """Make a page of `items` made from `rows`; one row more than `limit` tells of a next page.

    `key` names the columns of the last row that the cursor remembers.
    """
    if len(rows) <= limit:
        return Page(items=items)
    last = rows[limit - 1]
    return Page(items=items[:limit], next=cursor_of(*(getattr(last, name) for name in key)))
