"""Drawing by hash: the same arguments always give the same arm, on every machine."""

import hashlib
from collections.abc import Sequence
from uuid import UUID


def fraction(customer: UUID, *scope: str) -> float:
    """Return a number in [0, 1), evenly spread over customers, for this scope."""
    text = "\x1f".join((customer.hex, *scope))
    # As many bits as a float holds: one more, and the greatest would be rounded to 1.
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) >> 3) / 2**53


def draw(customer: UUID, scope: Sequence[str], weights: Sequence[tuple[str, int]]) -> str:
    """Return the name drawn with these whole percents, which sum to 100."""
    point = fraction(customer, *scope) * 100
    for name, weight in weights:
        if point < weight:
            return name
        point -= weight
    return weights[-1][0]


def message_id(run: UUID, step: str, visit: int) -> UUID:
    """Return the id of the message that this visit of the step sends: one key, one message."""
    digest = hashlib.sha256(f"{run.hex}\x1f{step}\x1f{visit}".encode()).digest()
    number = int.from_bytes(digest[:16])
    # RFC 9562, version 8: custom; UUID(version=8) needs Python 3.14.
    number = number & ~(0xF000 << 64) | 8 << 76
    return UUID(int=number & ~(0xC000 << 48) | 0x8000 << 48)
