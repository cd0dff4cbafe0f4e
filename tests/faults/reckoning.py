"""What became of the customers: the ledger against the mail server, in both directions."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from temporalio.client import Client
from temporalio.service import RPCError

from tests.faults.shop import MESSAGES, Plan, address
from tests.faults.sink import Mail

T = TypeVar("T")

_RUNS = """
SELECT run.id::text, value AS user, journey_id, step, run.revision, command, check_at, lease_until,
    ended_at, end_reason, wake.revision AS wake_revision, wake.created_at AS wake_at, now() AS now
FROM run JOIN identity USING (customer_id) LEFT JOIN wake ON wake.run_id = run.id
WHERE namespace = 'external_id' AND starts_with(value, %s) ORDER BY value
"""
_MESSAGES = """
SELECT message.id::text, value AS user, message.step, state, message.reason, class, "to",
    (SELECT count(*) FROM message_transition AS t
     WHERE t.message_id = message.id AND t."to" = 'unknown') AS unknown,
    (SELECT count(*) FROM message_transition AS t
     WHERE t.message_id = message.id AND t.reason = 'unknown_sent_again') AS sent_again
FROM message JOIN identity USING (customer_id)
WHERE namespace = 'external_id' AND starts_with(value, %s) ORDER BY value
"""
_COUNTED = """
SELECT count(*) AS all, count(*) FILTER (WHERE ended_at IS NOT NULL) AS ended
FROM run JOIN identity USING (customer_id)
WHERE namespace = 'external_id' AND starts_with(value, %s)
"""
_EVENTS = """
SELECT event.name, count(*) AS n FROM event JOIN identity USING (customer_id)
WHERE namespace = 'external_id' AND starts_with(value, %s) GROUP BY 1
"""


@dataclass(slots=True)
class Figures:
    """One round, counted."""

    name: str
    seconds: float = 0
    settling: float = 0
    """Seconds from the end of the storm until the last run had ended."""
    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    mails: int = 0
    unknown: int = 0
    sent_again: int = 0
    twice: int = 0
    missing: int = 0
    problems: list[str] = field(default_factory=list)


def ask(url: str, query: str, *values: Any) -> list[dict[str, Any]]:
    """Ask the database, again when it has just been killed."""
    dsn = url.replace("+psycopg", "")
    for attempt in range(20):
        try:
            with psycopg.connect(dsn, row_factory=dict_row, connect_timeout=5) as connection:
                return connection.execute(query, values).fetchall()
        except psycopg.OperationalError:
            if attempt == 19:
                raise
            time.sleep(0.5)
    raise AssertionError("unreachable")


def ended(url: str, prefix: str) -> tuple[int, int]:
    """How many runs there are of these customers, and how many of them have ended."""
    (row,) = ask(url, _COUNTED, prefix)
    return row["all"], row["ended"]


def wait_for_the_end(url: str, prefix: str, runs: int, seconds: float) -> bool:
    """Wait until all these runs have ended; answers whether they have."""
    return _within(seconds, lambda: ended(url, prefix) == (runs, runs))


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def reckon(
    figures: Figures, url: str, temporal: str, prefix: str, plan: Plan, mails: Sequence[Mail]
) -> None:
    """Fill in the figures; whatever should not be goes into `problems`."""
    runs = ask(url, _RUNS, prefix)
    messages = ask(url, _MESSAGES, prefix)
    figures.runs = len(runs)
    _reckon_events(figures, url, prefix, plan)
    _reckon_runs(figures, runs, plan, temporal)
    counted = Counter(mail.id for mail in mails)
    figures.mails = sum(counted.values())
    for message in messages:
        _reckon_message(figures, message, counted[message["id"]], plan)
    _reckon_customers(figures, messages, plan)
    known = {message["id"]: message for message in messages}
    for mail in mails:
        if mail.id not in known:
            figures.problems.append(f"{mail} is not in the ledger")
        elif mail.to != address(known[mail.id]["user"]) or mail.to != known[mail.id]["to"]:
            figures.problems.append(f"{mail} went to the wrong customer, for {known[mail.id]}")


def _reckon_events(figures: Figures, url: str, prefix: str, plan: Plan) -> None:
    wanted = Counter(name for _, _, name in plan.deeds)
    stored = {row["name"]: row["n"] for row in ask(url, _EVENTS, prefix)}
    stored.pop("Customer Identified", None)
    if stored != wanted:
        figures.problems.append(f"sent {dict(wanted)}, but stored {stored}")


def _reckon_runs(figures: Figures, runs: list[dict[str, Any]], plan: Plan, temporal: str) -> None:
    per_user = Counter(run["user"] for run in runs)
    for user in plan.users:
        if per_user[user] != 1:
            figures.problems.append(f"{user} has {per_user[user]} runs")
    stuck = [run for run in runs if run["ended_at"] is None]
    if stuck:
        states = asyncio.run(_workflows(temporal, [run["id"] for run in stuck[:20]]))
        for run, state in zip(stuck, states, strict=False):
            figures.problems.append(f"stuck: {_told(run)} workflow={state}")
        figures.problems.append(f"{len(stuck)} runs are stuck")
    for run in runs:
        expected = {"done", "cancelled"} if run["user"] in plan.cancelling else {"done"}
        if run["ended_at"] is not None and run["end_reason"] not in expected:
            figures.problems.append(f"ended as {run['end_reason']}: {_told(run)}")


def _told(row: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items() if value is not None)


async def _workflows(address: str, runs: list[str]) -> list[str]:
    client = await Client.connect(address)
    states = []
    for run in runs:
        try:
            described = await client.get_workflow_handle(run).describe()
        except RPCError as error:
            states.append(error.status.name)
            continue
        pending = [
            f"{activity.activity_type.name} attempt {activity.attempt}: "
            f"{activity.last_failure.message}"
            for activity in described.raw_description.pending_activities
        ]
        task = described.raw_description.pending_workflow_task
        states.append(
            f"{described.status.name if described.status else '?'} "
            f"events={described.history_length} activities={pending} "
            f"task={task.state}/{task.attempt}"
        )
    return states


def _reckon_message(figures: Figures, message: dict[str, Any], received: int, plan: Plan) -> None:
    transactional = message["class"] == "transactional"
    again = message["sent_again"]
    figures.unknown += message["unknown"]
    figures.sent_again += again
    figures.twice += max(received - 1, 0)
    least, most = {
        "sent": (1, 1 + again),
        "unknown": (0, 1 + again),
        "skipped": (0, again),
    }.get(message["state"], (1, 0))
    if again and not transactional:
        figures.problems.append(f"sent again though marketing: {_told(message)}")
    if not least <= received <= most:
        figures.problems.append(f"received {received} times: {_told(message)}")
    if message["state"] == "unknown" and received == 0:
        figures.missing += 1
    may_be_left = message["user"] in plan.cancelling
    if message["state"] == "unknown" and transactional and not may_be_left:
        figures.problems.append(f"left unknown though transactional: {_told(message)}")
    if message["state"] == "skipped" and not (may_be_left and message["reason"] == "replaced"):
        figures.problems.append(f"skipped: {_told(message)}")


def _reckon_customers(figures: Figures, messages: list[dict[str, Any]], plan: Plan) -> None:
    per_user = Counter(message["user"] for message in messages)
    for user in plan.users:
        if per_user[user] != MESSAGES and user not in plan.cancelling:
            figures.problems.append(f"{user} has {per_user[user]} messages")


def table(rounds: Sequence[Figures]) -> str:
    """The figures as lines of text."""
    parts = sorted({part for figures in rounds for part in figures.kills})
    names = ["round", "s", "settling", *parts, "runs", "mails", "unknown", "again", "twice",
             "missing", "problems"]  # fmt: skip
    rows = [
        [
            one.name, f"{one.seconds:.0f}", f"{one.settling:.0f}",
            *(str(one.kills[part]) for part in parts),
            *map(str, (one.runs, one.mails, one.unknown, one.sent_again, one.twice, one.missing,
                       len(one.problems))),
        ]
        for one in rounds
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (names, *rows)
    ]
    return "\n".join(lines)
