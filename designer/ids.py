"""Ids that people recognise a name in."""

import re
import unicodedata
from collections.abc import Collection

from engine.model.editing import fresh_id


def id_of(name: str, taken: Collection[str], otherwise: str) -> str:
    """Return an id made from a name that is not taken; from `otherwise`, without a letter in it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    wish = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or otherwise
    return fresh_id(set(taken), wish)
