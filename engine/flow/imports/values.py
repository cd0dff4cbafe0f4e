"""What a text in a table means: a number, a truth, or itself."""

import re
from typing import Any, Final

# Not what only looks like a number: an article's 00123, a card's twenty digits, +41 44 ….
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")
_TRUTHS: Final = {"true": True, "false": False}


def value_of(text: str) -> Any:
    """Return the number or truth that the text writes, else the text."""
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return _TRUTHS.get(text.lower(), text)
