"""Names with values, as a form shows them and as they are read from it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from designer.canvas.forms.raw import rows, scalar, scalar_raw, text
from designer.canvas.sentences import readable
from designer.walk.asked import LONGEST_NAME, LONGEST_VALUE, MOST_ROWS, plain_json
from designer.words import Words
from engine.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Row:
    """A name and its value as a text; with `number` nothing but a number, or nothing, will do."""

    name: str = ""
    value: str = ""
    number: bool = False

    @property
    def label(self) -> str:
        """The name as people read it."""
        return readable(self.name)


def row(name: str, value: Any, *, number: bool = False) -> Row:
    """Return the row that shows a value."""
    return Row(name, _written(value), number)


def _written(value: Any) -> str:
    if value is None:
        return ""
    return (
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict | list)
        else scalar_raw(value)
    )


def values(
    raw: Any, part: str, numbers: set[str], wrong: dict[str, str], words: Words
) -> dict[str, Any]:
    """Read rows; a name without a value stays, as None. Mistakes go into `wrong` by their field."""
    found: dict[str, Any] = {}
    given = rows(raw)
    if len(given) > MOST_ROWS:
        wrong[part] = words.gettext("These are too many: at most %(n)s.", n=MOST_ROWS)
    for n, one in enumerate(given[:MOST_ROWS]):
        name, written = text(one, "name"), text(one, "value")
        if not name:
            if written:
                wrong[f"{part}.{n}"] = words.gettext("Give it a name.")
            continue
        mistake = _mistake(name, written, numbers, words)
        if mistake:
            wrong[f"{part}.{n}"] = mistake
        else:
            found[name] = _meant(written)
    return found


def _mistake(name: str, written: str, numbers: set[str], words: Words) -> str:
    _ = words.gettext
    if len(name) > LONGEST_NAME or len(written) > LONGEST_VALUE:
        return _("That is too long.")
    if "\0" in name + written:
        return _("There is a sign in it that cannot be kept.")
    if written[:1] in {"[", "{"}:
        try:
            plain_json(written)
        except InvalidInput:
            return _('A list or a group of values is written like [1, 2] or {"size": 38}.')
    meant = _meant(written)
    if name in numbers and written and (isinstance(meant, bool | str) or meant is None):
        return _("Write a number, like 49.90: the journey compares it with one.")
    return ""


def _meant(written: str) -> Any:
    if not written:
        return None
    return plain_json(written) if written[0] in "[{" else scalar(written)


def typed(raw: Any, shown: Sequence[Row]) -> list[Row]:
    """Return rows as they were typed."""
    numbers = {one.name for one in shown if one.number}
    return [
        Row(text(one, "name"), text(one, "value"), text(one, "name") in numbers)
        for one in rows(raw)[:MOST_ROWS]
    ]


def whole(written: str, most: int) -> int | None:
    """Return a whole number from 0 to `most`, or None."""
    if not re.fullmatch(r"[0-9]{1,9}", written):
        return None
    number = int(written)
    return number if number <= most else None


def local_moment(written: str) -> datetime | None:
    """Read what a field of day and time holds, without a zone."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found.replace(tzinfo=None, second=0, microsecond=0) if found.tzinfo is None else None
