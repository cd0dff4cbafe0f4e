"""What the shop's web addresses are told: written with what happened, posted afterwards.

The rows are made in the transaction that decides, so that nothing is told that did not happen,
and nothing that happened is left untold. Posting them is the dispatcher's.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.flow.audited import audited
from engine.model.actor import PRODUCT, Actor
from engine.model.hook import EVENTS, Hook
from engine.store import customers, hooks, messages
from engine.store.hooks import Due
from engine.store.runs import Run
from engine.store.session import Database

LEASE: Final = timedelta(minutes=2)
"""For how long what was taken is left to its taker; then it is told again."""

AT_MOST: Final = 20
"""How much of one hook is taken at once."""

KEPT: Final = timedelta(days=14)
"""For how long it can be looked up what was told."""

AGAIN_AFTER: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=20),
)
"""The pauses after each attempt: those that Standard Webhooks proposes, three days in all."""

_PREFIX: Final = "whsec_"

_OF_MESSAGE: Final = {
    "sent": "Message Sent",
    "skipped": "Message Skipped",
    "failed": "Message Failed",
    "unknown": "Message Unknown",
    "deferred": "Message Deferred",
}
_OF_RUN: Final = {"entered": "Journey Entered", "ended": "Journey Ended"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happening:
    name: str
    at: datetime
    customer: UUID
    data: Mapping[str, Any]
    message: UUID | None = None


def deliveries(
    connection: Connection,
    listening: Sequence[Hook],
    *,
    events: Iterable[Mapping[str, Any]],
    transitions: Iterable[Mapping[str, Any]],
    traces: Iterable[Mapping[str, Any]],
    decided: Iterable[Mapping[str, Any]],
    runs: Mapping[UUID, Run],
) -> list[dict[str, Any]]:
    """Return the rows that tell these hooks of what a transaction writes.

    `decided` are its new messages. Nothing is asked of the database unless a hook wants to know.
    """
    wanted = [
        happening
        for happening in (*_of_runs(traces, runs), *_of_messages(transitions), *_of_events(events))
        if any(hook.wants(happening.name) for hook in listening)
    ]
    if not wanted:
        return []
    about = {row["id"]: row for row in decided}
    unread = {one.message for one in wanted if one.message is not None} - set(about)
    if unread:
        about |= messages.told_of(connection, unread)
    names = customers.external_ids(connection, {one.customer for one in wanted})
    bodies = [(one, _body(one, about, names)) for one in wanted]
    return [
        {"id": uuid7(), "hook_id": hook.id, "event": one.name, "body": body}
        for one, body in bodies
        for hook in listening
        if hook.wants(one.name)
    ]


def _of_runs(traces: Iterable[Mapping[str, Any]], runs: Mapping[UUID, Run]) -> Iterator[_Happening]:
    for row in traces:
        run = runs.get(row["run_id"])
        if (name := _OF_RUN.get(row["what"])) is None or (run and run.state.held_out):
            continue  # nothing is done with those who are held out
        data = {
            "journey": row["journey_id"],
            "version": run.version if run is not None else None,
            "run": row["run_id"],
            "reason": row["data"].get("reason"),
        }
        yield _Happening(name=name, at=row["at"], customer=row["customer_id"], data=data)


def _of_messages(transitions: Iterable[Mapping[str, Any]]) -> Iterator[_Happening]:
    for row in transitions:
        if (name := _OF_MESSAGE.get(row["to"])) is not None:
            yield _Happening(
                name=name,
                at=row["at"],
                customer=row["customer_id"],
                data={"reason": row["reason"], "rule": row["rule"]},
                message=row["message_id"],
            )


def _of_events(events: Iterable[Mapping[str, Any]]) -> Iterator[_Happening]:
    for row in events:
        if row["name"] in EVENTS:
            yield _Happening(
                name=row["name"],
                at=row["occurred_at"],
                customer=row["customer_id"],
                data=row["properties"],
            )


_ABOUT: Final = ("version", "step", "variant", "channel", "class", "topic", "template")


def _body(
    one: _Happening, about: Mapping[UUID, Mapping[str, Any]], names: Mapping[UUID, str]
) -> dict[str, Any]:
    data: dict[str, Any] = {"customer": one.customer, "external_id": names.get(one.customer)}
    if one.message is not None:
        row = about.get(one.message, {})
        data |= {"message": one.message, "journey": row.get("journey_id")}
        data |= {name: row.get(name) for name in _ABOUT}
    return {"type": one.name, "timestamp": one.at, "data": {**data, **one.data}}


def new_secret() -> str:
    """Return a secret to sign with; it is shown once, to whoever makes the hook."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(due: Due, at: datetime) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a post at this instant.

    As Standard Webhooks 1.0 says: the id stays the same over all attempts, and the signature is
    over id, instant and body.
    """
    body = orjson.dumps(due.body)
    name, seconds = f"msg_{due.id}", str(int(at.timestamp()))
    key = base64.b64decode(due.secret.removeprefix(_PREFIX))
    content = f"{name}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return body, {
        "Content-Type": "application/json",
        "User-Agent": "Parcours",
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }


def put(database: Database, hook: Hook, secret: str, *, actor: Actor) -> bool:
    """Create or replace a hook; return whether it is new. Only a new one takes the secret."""

    def work(connection: Connection) -> bool:
        with audited(connection, actor, "save", "hook", hook.id):
            return hooks.put(connection, hook, secret)

    return database.transact(work)


def remove(database: Database, hook: str, *, actor: Actor) -> None:
    """Delete a hook, and with it what it was not told yet."""

    def work(connection: Connection) -> None:
        with audited(connection, actor, "delete", "hook", hook):
            hooks.remove(connection, hook)

    database.transact(work)


def take(database: Database, busy: Collection[str]) -> list[Due]:
    """Take what is due now, but for the hooks that are busy."""
    return database.transact(
        lambda connection: hooks.take(connection, busy, at_most=AT_MOST, lease=LEASE)
    )


def answered(database: Database, due: Due, status: int) -> None:
    """Record what a hook answered: 2xx is well, 410 says that it wants nothing more."""

    def work(connection: Connection) -> None:
        if status == 410:
            problem = "it answered 410: it wants nothing more"
            with audited(connection, PRODUCT, "stop", "hook", due.hook):
                hooks.end(connection, due.id, status, problem)
                hooks.deactivate(connection, due.hook, problem)
        elif 200 <= status < 300:
            hooks.end(connection, due.id, status, None)
        else:
            _later(connection, due, status, f"it answered {status}")

    database.transact(work)


def unanswered(database: Database, due: Due, problem: str, *, for_good: bool = False) -> None:
    """Record that a hook could not be told; `for_good` it would never be."""

    def work(connection: Connection) -> None:
        if for_good:
            hooks.end(connection, due.id, None, problem)
        else:
            _later(connection, due, None, problem)

    database.transact(work)


def _later(connection: Connection, due: Due, status: int | None, problem: str) -> None:
    if due.attempts > len(AGAIN_AFTER):
        hooks.end(connection, due.id, status, f"given up after {due.attempts} attempts: {problem}")
        return
    pause = AGAIN_AFTER[due.attempts - 1]
    spread = 1 + secrets.randbelow(100) / 1000  # so that what failed together comes back apart
    hooks.again(connection, due.id, pause * spread, status, problem)


def forget(database: Database) -> None:
    """Delete what was told, or given up on, a while ago."""
    database.transact(lambda connection: hooks.forget(connection, KEPT))
