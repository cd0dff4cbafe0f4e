"""Something that a customer did, or that happened to her."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One stored event.

    `seq` is its place in the customer's own order, raised under her lock; `occurred_at` is when
    it happened by the sender's account, never in the future of `received_at`.
    """

    id: UUID
    seq: int
    name: str
    properties: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime
    received_at: datetime
