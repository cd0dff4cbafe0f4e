"""What caps and quiet hours did: messages per customer, and what was held back by which rule."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import Connection, TextClause, text

How = Literal["deferred", "skipped", "moved"]
"""Put off, not sent at all, or sent on another channel instead."""

HOWS: Final[tuple[How, ...]] = get_args(How)

HOURS: Final = ("quiet_hours", "window", "best_hour", "legal_hours", "holiday")
"""The reasons that are about the time of day; a cap's has its rule with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """Which decisions that held a message back are meant: from `since` up to `until`.

    Those of one rule, else of one reason, else all; in one way (`how`), else in any.
    """

    since: datetime
    until: datetime
    how: How | None = None
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How many messages of a journey a rule, or a reason without one, held back in one way."""

    reason: str
    rule: str | None
    journey: str
    how: How
    messages: int


# A move is noted with the run and the step: it is of the last message decided there by then. Among
# the changes of state, that of a deferred message looks as if it were put off once more.
_STOPS: Final = """
    SELECT t.message_id, t."to" AS how, t.reason, t.rule
    FROM message_transition t
    WHERE t."to" IN ('deferred', 'skipped') AND t.at >= :since AND t.at < :until
      AND (t.rule IS NOT NULL OR t.reason = ANY(:hours))
      AND NOT (t."from" = t."to" AND EXISTS (
          SELECT FROM message m JOIN run_trace x ON x.run_id = m.run_id
          WHERE m.id = t.message_id AND x.what = 'moved' AND x.at = t.at
      ))
    UNION ALL
    SELECT m.id, 'moved', t.data ->> 'reason', t.data ->> 'rule'
    FROM run_trace t JOIN LATERAL (
        SELECT id FROM message
        WHERE run_id = t.run_id AND step = t.step AND decided_at <= t.at
        ORDER BY decided_at DESC LIMIT 1
    ) m ON true
    WHERE t.what = 'moved' AND t.at >= :since AND t.at < :until
      AND (t.data ->> 'rule' IS NOT NULL OR t.data ->> 'reason' = ANY(:hours))
"""

_COUNTED: Final = text(f"""
    SELECT s.reason, s.rule, m.journey_id AS journey, s.how, count(DISTINCT m.id) AS messages
    FROM ({_STOPS}) s JOIN message m ON m.id = s.message_id
    GROUP BY 1, 2, 3, 4 ORDER BY s.rule NULLS LAST, s.reason, m.journey_id
""")  # noqa: S608 - constants

_THESE: Final = text(f"""
    SELECT s.message_id FROM ({_STOPS}) s
    WHERE (CAST(:how AS text) IS NULL OR s.how = :how)
      AND (CAST(:rule AS text) IS NULL OR s.rule = :rule)
      AND (CAST(:reason AS text) IS NULL OR s.reason = :reason)
""")  # noqa: S608 - constants


def stopped(connection: Connection, since: datetime, until: datetime) -> list[Stopped]:
    """Count what was held back in a time, by rule or reason and by journey.

    A message that was put off several times counts once.
    """
    given = {"since": since, "until": until, "hours": list(HOURS)}
    rows = connection.execute(_COUNTED, given).mappings()
    return [Stopped(**row) for row in rows]


def stopped_messages(stops: Stops) -> TextClause:
    """Return the query for the ids of the messages that were held back."""
    return _THESE.bindparams(
        since=stops.since,
        until=stops.until,
        hours=list(HOURS),
        how=stops.how,
        rule=stops.rule,
        reason=stops.reason,
    )


_RECEIVED: Final = text("""
    SELECT each.messages, count(*) AS customers FROM (
        SELECT count(*) FILTER (WHERE class = 'marketing') AS messages FROM message
        WHERE claimed_at >= :since AND claimed_at < :until AND state IN ('sent', 'unknown')
        GROUP BY customer_id
    ) each GROUP BY 1 ORDER BY 1
""")

_ADDRESSED: Final = text(
    "SELECT count(*) FROM customer WHERE merged_into IS NULL AND addresses <> '{}'"
)


def received(connection: Connection, since: datetime, until: datetime) -> dict[int, int]:
    """Return how many customers got 0, 1, 2, … marketing messages in a time.

    Those of unknown outcome count. Of customers who got none, those with an address are counted.
    """
    found = {row.messages: row.customers for row in
             connection.execute(_RECEIVED, {"since": since, "until": until})}  # fmt: skip
    reached = sum(customers for messages, customers in found.items() if messages)
    addressed: int = connection.execute(_ADDRESSED).scalar_one()
    return {**found, 0: max(addressed - reached, 0)}
