"""A customer as the rest of the domain sees her."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from engine.model.base import Channel
from engine.model.topic import Subscription, Topic

EVERYTHING: Final = "*"
"""In `consent`, every topic of which a customer has said nothing by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who she is at one instant. `addresses` holds `email`, `phone` and a list `push`.

    `traits` is what she or the shop told of her, `derived` what is computed of what she did.
    `consent` is what she has said, by topic (or `*`) and channel. `suppressed` tells by channel the
    `address` that must not be written to any more, and the `reason`.
    """

    id: UUID
    traits: dict[str, Any] = field(default_factory=dict)
    derived: Mapping[str, Any] = field(default_factory=dict)
    addresses: dict[str, Any] = field(default_factory=dict)
    locale: str | None = None
    time_zone: str | None = None
    consent: Mapping[str, Mapping[str, Subscription]] = field(default_factory=dict)
    suppressed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def known(self) -> Mapping[str, Any]:
        """All her traits by name, told and computed; a computed one hides a told one."""
        return {**self.traits, **self.derived} if self.derived else self.traits

    def address(self, channel: Channel) -> str | None:
        """Return where a message on this channel goes, or None when she has no such address."""
        match channel:
            case "email":
                return self.addresses.get("email")
            case "sms" | "whatsapp":
                return self.addresses.get("phone")
            case "push":
                tokens = self.addresses.get("push") or []
                return tokens[-1] if tokens else None

    def suppression(self, channel: Channel) -> str | None:
        """Return why her address on this channel must not be written to, or None."""
        found = self.suppressed.get(channel)
        if found is None or found.get("address") != self.address(channel):
            return None
        return found.get("reason", "suppressed")

    def reachable(self, channel: Channel) -> bool:
        """Whether she has an address on this channel that may be written to."""
        return self.address(channel) is not None and self.suppression(channel) is None

    def subscription(self, topic: Topic, channel: Channel) -> Subscription:
        """Return whether she agrees to get messages of this topic on this channel."""
        said = self.consent.get(topic.id, {}).get(channel)
        return said or self.consent.get(EVERYTHING, {}).get(channel, topic.default)
