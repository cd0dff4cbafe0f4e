"""What a text message is made of: its encoding, its segments, its cost, and how to stop it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

# GSM 03.38 (3GPP TS 23.038, 6.2.1): 128 characters of 7 bits; 0x1B, the escape, is none of them.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038, 6.2.1.1: each is an escape and a second character.
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")

Encoding = Literal["GSM-7", "UCS-2"]

_LENGTHS: Final[Mapping[Encoding, tuple[int, int]]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Characters of a message in one segment, and of each segment when there are several: the header
that joins them (3GPP TS 23.040, 9.2.3.24.1) takes six bytes."""

STOP: Final[Mapping[str, str]] = {
    "en": "Reply STOP to opt out",
    "fr": "Répondez STOP pour ne plus recevoir",
    "de": "Antworten Sie STOP zum Abmelden",
    "it": "Rispondi STOP per non riceverne altri",
}
"""What ends a marketing message, by language, where the shop has said nothing else."""

_STOPS: Final = re.compile(r"(?<![\w-])STOP\b|(?i:\bstop\b)\W*(?:\w+\W+)?\d{3,}")
"""STOP in capitals, or in front of a number: a sale that does not stop tells nobody how to."""


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels. `length` is in the encoding's own characters, of 7 or 16 bits."""

    encoding: Encoding
    length: int
    count: int


def segments(text: str) -> Segments:
    """Count the segments of a text; the networks bill each.

    Neither an escaped character nor one of two 16-bit units is split between two segments. An
    empty text takes one.
    """
    if outside(text):
        encoding: Encoding = "UCS-2"
        widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    else:
        encoding = "GSM-7"
        widths = [2 if character in _EXTENSION else 1 for character in text]
    alone, joined = _LENGTHS[encoding]
    length = sum(widths)
    return Segments(encoding, length, 1 if length <= alone else _parts(widths, joined))


def _parts(widths: list[int], room: int) -> int:
    count, used = 1, 0
    for width in widths:
        if used + width > room:
            count, used = count + 1, 0
        used += width
    return count


def outside(text: str) -> tuple[str, ...]:
    """Return the characters that make the whole text UCS-2, each once, as they come."""
    return tuple(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENSION))


def stop_wording(locale: str | None, own: Mapping[str, str]) -> str:
    """Return what tells how to stop, in the customer's language; `own` is what the shop says.

    The shop's words for her locale, then for its language, then ours, in English at last.
    """
    tag = locale or "en"
    language = re.split("[-_]", tag)[0].lower()
    return own.get(tag) or own.get(language) or STOP.get(language) or own.get("en") or STOP["en"]


def with_stop(text: str, stop: str) -> str:
    """Return the text with the wording at its end, unless it already tells how to stop.

    It does with the word STOP in capitals, or in any letters in front of a number.
    """
    text = text.rstrip()
    if _STOPS.search(text) or not stop:
        return text
    return f"{text}\n{stop}" if text else stop


def cost(count: int, of_one: Decimal | None) -> Decimal | None:
    """Return what so many segments cost, or None when the price of one is not known."""
    return of_one * count if of_one is not None else None
