"""Imports in each of their states, without their files."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from engine.flow.importing import GONE
from engine.store import imports

_REASONS = {
    "Montant: … is no number like 1234,50": [37, 1002],
    "email: … is no email address": [4, 12],
}
_CHECKED = {"accepted": 150_000, "known": 12, "rejected": 41, "customers_new": 20_000,
            "customers_known": 60}  # fmt: skip

_STATES: dict[str, dict[str, Any]] = {
    "checking": {"offset": 200_000, "accepted": 2_000, "rejected": 3},
    "checked": {"accepted": 150_000, "rejected": 41, "reasons": _REASONS, "checked": _CHECKED},
    "running": {"offset": 700_000, "accepted": 105_000, "rejected": 41, "reasons": _REASONS},
    "done": {"offset": 1_000_000, "accepted": 150_000, "known": 12, "rejected": 41,
             "reasons": _REASONS},
    "cancelled": {"offset": 500_000, "accepted": 75_000, "mentions": ["event Order Completed"]},
    "failed": {"offset": 500_000, "accepted": 75_000, "error": GONE, "failed_in": "running"},
}  # fmt: skip


def fill(connection: Connection, now: datetime) -> None:
    """Put the imports into a shop."""
    for n, (state, more) in enumerate(_STATES.items()):
        common = {
            "id": uuid4(), "kind": "events", "format": "csv", "name": f"{state}.csv",
            "size": 1_000_000, "state": state, "actor": "operator", "actor_name": "operator",
            "created_at": now - timedelta(hours=n),
        }  # fmt: skip
        imports.add(connection, {**common, **more})
