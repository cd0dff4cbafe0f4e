"""What the live tail shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from designer.customers.happenings import event_icon, event_name, summary
from designer.views import customer_name
from designer.words import Words


@dataclass(frozen=True, slots=True)
class Row:
    """One event."""

    id: str
    icon: str
    name: str
    customer: str
    who: str
    summary: str
    at: datetime
    clock: str


def rows(found: Sequence[Mapping[str, Any]], words: Words) -> list[Row]:
    """Return the rows, as they come."""
    return [
        Row(
            id=str(one["id"]),
            icon=event_icon(one["name"], one["kind"]),
            name=event_name(one["name"], one["kind"], words),
            customer=str(one["customer_id"]),
            who=customer_name(one["traits"], one["addresses"], words),
            summary=summary(one["properties"] or {}, words),
            at=one["received_at"],
            clock=words.clock(one["received_at"]),
        )
        for one in found
    ]
