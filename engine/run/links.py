"""The signed links in messages, by which a customer says what she wants without logging in.

Whoever holds a link may do what it says and nothing else: it names the customer and the message
it came with, and is signed for one purpose. Links don't end, because mail is read years later.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from engine.model.base import CHANNELS, Channel

UNSUBSCRIBE: Final = "u"
PREFERENCES: Final = "preferences"
CONFIRM: Final = "c"
"""What a link is for, and under which path it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a link names. One to the preference page names no topic and no channel."""

    customer: UUID
    message: UUID | None = None
    topic: str = ""
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes and reads links. `base` is the public address of the pages, without a slash at its end.

    Of the `keys` the last one signs; those before it were used earlier and are still accepted.
    """

    base: str
    keys: tuple[str, ...]

    def unsubscribe(self, customer: UUID, message: UUID, topic: str, channel: Channel) -> str:
        """Return the link that ends a topic on a channel."""
        named = Named(customer=customer, message=message, topic=topic, channel=channel)
        return self.address(UNSUBSCRIBE, named)

    def preferences(self, customer: UUID, message: UUID | None = None) -> str:
        """Return the link to the customer's own page, where she says what she wants."""
        return self.address(PREFERENCES, Named(customer=customer, message=message))

    def confirmation(self, customer: UUID, topic: str, channel: Channel) -> str:
        """Return the link by which she confirms that she wants a topic (double opt-in)."""
        return self.address(CONFIRM, Named(customer=customer, topic=topic, channel=channel))

    def headers(
        self, customer: UUID, message: UUID, topic: str, channel: Channel
    ) -> dict[str, str]:
        """Return the headers of a marketing email that let mail programs unsubscribe (RFC 8058)."""
        return {
            "List-Unsubscribe": f"<{self.unsubscribe(customer, message, topic, channel)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    def variables(
        self, customer: UUID, message: UUID, topic: str | None, channel: Channel
    ) -> dict[str, str]:
        """Return what templates call the links; a message without a topic has none to end."""
        preferences = self.preferences(customer, message)
        ends = self.unsubscribe(customer, message, topic, channel) if topic else preferences
        return {"unsubscribe_url": ends, "preferences_url": preferences}

    def address(self, purpose: str, named: Named) -> str:
        """Return the address of a page that knows the customer by a token."""
        parts = [_short(named.customer), _short(named.message), named.topic, named.channel or ""]
        while not parts[-1]:
            parts.pop()
        return f"{self.base}/{purpose}/{self._signer(purpose).dumps(parts)}"

    def read(self, purpose: str, token: str) -> Named | None:
        """Return what a token names, or None when it was not signed here for this purpose."""
        try:
            return _named(self._signer(purpose).loads(token))
        except (BadData, ValueError, TypeError):
            return None

    def _signer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(list(self.keys), salt=f"parcours.link.{purpose}")


_CHANNELS: Final[Mapping[str, Channel]] = {channel: channel for channel in CHANNELS}


def _named(parts: Any) -> Named:
    customer, message, topic, channel = [*parts, "", "", "", ""][:4]
    return Named(
        customer=_long(customer),
        message=_long(message) if message else None,
        topic=topic,
        channel=_CHANNELS.get(channel),
    )


def _short(id: UUID | None) -> str:
    """Write an id in 22 characters: links stand in text messages too."""
    return urlsafe_b64encode(id.bytes).decode().rstrip("=") if id is not None else ""


def _long(short: str) -> UUID:
    return UUID(bytes=urlsafe_b64decode(short + "=="))
