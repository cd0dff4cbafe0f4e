"""Links that tell when they are opened: an address of ours that leads on to the shop's.

The address holds the message and where it leads, signed: there is no table of links, and nobody
can make one that leads elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from activities.content.markup import href, tags

PATH: Final = "/l/"
_LONGEST: Final = 2000
"""Longer addresses stay as they are: some programs would cut the longer ones made of them."""

Sign = Callable[[UUID, str], str]
"""Makes the address that leads on to another one, for a message."""


@dataclass(frozen=True, slots=True)
class Click:
    """What an address of ours says: which message was opened, and where to go."""

    message: UUID
    url: str


class Tracker:
    """Makes addresses and reads them. `base` is where our own pages are, without a slash.

    Of the `keys` the last one signs; those before it were used earlier and are still accepted.
    """

    def __init__(self, keys: Sequence[str], base: str) -> None:
        self._signer = URLSafeSerializer(list(keys), salt="parcours.link.click")
        self._base = base

    def sign(self, message: UUID, url: str) -> str:
        """Return the address to put in place of `url`; ours, as for unsubscribing, stay."""
        if url.startswith(f"{self._base}/") or len(url) > _LONGEST:
            return url
        return f"{self._base}{PATH}{self._signer.dumps([message.hex, url])}"

    def read(self, token: str) -> Click | None:
        """Return what a token says, or None when it is none of ours."""
        try:
            message, url = self._signer.loads(token)
            return Click(UUID(message), str(url))
        except (BadData, TypeError, ValueError):
            return None


def rewrite(body: str, message: UUID, sign: Sign) -> str:
    """Return an email's HTML with its links to the web replaced by signed ones.

    Only `http` and `https` links of `<a>` and `<area>` are: neither `mailto:` and the like, nor
    those whose tag says `data-untracked`.
    """
    parts, at = [], 0
    for tag in tags(body):
        if tag.closes or tag.name not in {"a", "area"}:
            continue
        place = href(body, tag)
        if place is None or "data-untracked" in body[tag.start : tag.end].lower():
            continue
        start, end = place
        url = unescape(body[start:end]).strip()
        if not _is_web(url):
            continue
        parts += [body[at:start], escape(sign(message, url))]
        at = end
    return "".join(parts) + body[at:]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
