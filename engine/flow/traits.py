"""What becomes known of a customer, taken over in her turn."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from engine.flow.turn import Turn
from engine.run.changes import learned
from engine.store import consent


def learn(turn: Turn, traits: Mapping[str, Any]) -> None:
    """Take traits over, and the addresses among them; None forgets one."""
    if not traits:
        return
    before, after = turn.customer, learned(turn.customer, traits)
    if (after.traits, after.addresses) == (before.traits, before.addresses):
        return
    turn.change(traits=after.traits, addresses=after.addresses)
    if after.addresses != before.addresses:
        mark_suppressed(turn.connection, [turn])


def mark_suppressed(connection: Connection, turns: Collection[Turn]) -> None:
    """Mark which of their addresses must not be written to."""
    marks = consent.marks(connection, [turn.customer for turn in turns])
    for turn in turns:
        turn.change(suppressed=marks.get(turn.customer.id, {}))
