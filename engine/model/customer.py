"""A customer as the rest of the domain sees her."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine.model.base import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who she is at one instant. `addresses` holds `email`, `phone` and a list `push`."""

    id: UUID
    traits: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, Any] = field(default_factory=dict)
    locale: str | None = None
    time_zone: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Return where a message on this channel goes, or None when she has no such address."""
        match channel:
            case "email":
                return self.addresses.get("email")
            case "sms":
                return self.addresses.get("phone")
            case "push":
                tokens = self.addresses.get("push") or []
                return tokens[-1] if tokens else None
