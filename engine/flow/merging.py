"""Two customers turn out to be one; or two after all.

Both are one transaction under both customers' locks. Whatever was claimed for either is settled
as before: a worker finds a message by its run, and a run's customer is asked for at that moment.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import Conflict, said
from engine.flow.advance import queue, take, wake_next
from engine.flow.deriving import recompute
from engine.flow.traits import mark_suppressed
from engine.flow.turn import Turn, Writes, finish
from engine.model.actor import Actor
from engine.model.customer import Customer
from engine.names import Wake
from engine.run import merging as pure
from engine.run.merging import Consent, Was
from engine.run.state import Stopped
from engine.store import audit, customers, documents, merges, search, suggestions
from engine.store import consent as records
from engine.store import merging as rows
from engine.store.customers import Locked
from engine.store.runs import Run
from engine.store.session import Database

How = Literal["person", "alias"]
"""Who found that the two are one: somebody who looked at them, or a call that says so."""

_WHO: Final = ("traits", "derived", "addresses", "locale", "time_zone", "consent", "suppressed")


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge's number, and who the two are now."""

    id: UUID
    customer: UUID


def merge(
    database: Database, kept: UUID, merged: UUID, *, actor: Actor, how: How = "person"
) -> tuple[Merged, list[Wake]]:
    """Make one customer of two; return the merge, and whom Temporal has to be told about.

    `kept` keeps her id, and what both have told differently. One who was merged before stands
    for whom she was merged into. Raises `Conflict` when they are one already.
    """

    def work(connection: Connection) -> tuple[Merged, list[Wake]]:
        if how == "person":
            documents.one_at_a_time(connection)
        one, other = (search.find(connection, str(id)) for id in (kept, merged))
        if one == other:
            raise Conflict(said("These two are one customer already."))
        done, wakes = _merge(database, connection, one, other, actor, how)
        if how == "person":
            told = {"merged": str(other), "merge": str(done.id)}
            audit.add(connection, actor, "merge", "customer", str(one), None, told)
        return done, wakes

    return database.transact(work)


def _merge(
    database: Database, connection: Connection, kept: UUID, merged: UUID, actor: Actor, how: How
) -> tuple[Merged, list[Wake]]:
    id = uuid7()
    locked = customers.lock(connection, (kept, merged))
    one, other = locked[kept], locked[merged]
    kept_created, merged_created = rows.created(connection, kept, merged)
    kept_inside, merged_inside = rows.inside(connection, kept, merged)
    before = {
        "kept": _told(one.customer) | {"created_at": kept_created},
        "merged": _told(other.customer) | {"created_at": merged_created},
        "kept_inside": kept_inside,
        "merged_inside": merged_inside,
        "interests": rows.interests(connection, merged),
        "mixed": rows.mix(connection, kept, merged),
    }
    rows.move(connection, kept, merged, *rows.order(connection, kept, merged))
    rows.retire(connection, kept, merged, merged_created)
    rows.join_memberships(connection, kept, merged)
    turn = Turn(database, connection, _together(one, other))
    turn.stamp()
    who = pure.joined(turn.customer, other.customer)
    turn.change(**{name: getattr(who, name) for name in _WHO if name != "suppressed"})
    recompute(turn)
    mark_suppressed(connection, [turn])
    agreed = _differing(who.consent, one.customer.consent, other.customer.consent)
    _keep_consent(turn, agreed, str(id))
    after = _told(turn.customer) | {"created_at": min(kept_created, merged_created)}
    merges.add(
        connection, id, kept, merged, at=turn.now, actor=actor, how=how,
        before=merges.plain(before), after=merges.plain(after),
    )  # fmt: skip
    suggestions.merged(connection, kept, merged, actor.name)
    turn.new = True  # every segment looks at her
    _end_twins(turn)
    return Merged(id, kept), finish([turn], turn.writes, connection)


def _told(customer: Customer) -> dict[str, Any]:
    told = asdict(customer)
    return {name: told[name] for name in _WHO}


def _customer(id: UUID, told: Mapping[str, Any]) -> Customer:
    return Customer(id=id, **{name: told[name] for name in _WHO})


def _together(one: Locked, other: Locked) -> Locked:
    """Return the customer under whose one lock both of them are now."""
    either = (one.catalogue_revision, other.catalogue_revision)
    return Locked(
        customer=one.customer,
        seq=one.seq + other.seq,
        last_at=max(one.last_at, other.last_at),
        clock=max(one.clock, other.clock),
        catalogue_revision=None if None in either else one.catalogue_revision,
        scored=one.scored,
        derived_due_at=one.derived_due_at,
    )


def _end_twins(turn: Turn) -> None:
    """Of two runs for the same entry the older goes on; the other counts no goal any more.

    One whose message is with a provider ends when it is known what became of that.
    """
    entries: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in turn.runs():
        if run.ended_at is None:
            entries[run.journey, run.entry_key].append(run)
    for twins in entries.values():
        _oldest, *others = sorted(twins, key=lambda run: (run.state.entered_at, run.id))
        for run in others:
            turn.stamp()
            end = Stopped(seq=turn.seq, at=turn.now, reason="merged")
            if run.lease_until is None:
                take(turn, run, end)
            else:
                queue(turn, run, end)
            if run.state.goal_until is not None:
                run.state = replace(run.state, goal_until=turn.now)
                turn.writes.runs[run.id] = run
                rows.close_goal(turn.connection, run.id, turn.now)


def _differing(now: Consent, *before: Consent) -> list[tuple[str, str, str]]:
    """Return what is agreed to by now and was not by each: topic, channel, state."""
    return [
        (topic, channel, said)
        for topic, channels in now.items()
        for channel, said in channels.items()
        if any(was.get(topic, {}).get(channel) != said for was in before)
    ]


def _keep_consent(turn: Turn, agreed: list[tuple[str, str, str]], source: str) -> None:
    """Append to the record what she is taken to have said, because she is one or two now."""
    records.keep(
        turn.connection,
        [
            {
                "id": uuid7(), "customer_id": turn.customer.id, "topic": topic,
                "channel": channel, "state": state, "at": turn.now, "how": "merge",
                "source": source, "data": {},
            }
            for topic, channel, state in agreed
        ],
    )  # fmt: skip


def undo(database: Database, id: UUID, *, actor: Actor) -> tuple[UUID, list[Wake]]:
    """Make two customers of one again; return the one who had gone, and whom to tell.

    Each has what she had, and what came by her identities meanwhile; runs that ended stay ended.
    Raises `NotFound`, and `Conflict` when that is done already, or the kept one has herself been
    merged into another since.
    """

    def work(connection: Connection) -> tuple[UUID, list[Wake]]:
        documents.one_at_a_time(connection)
        merge = merges.one(connection, id)
        if merge.undone_at is not None:
            raise Conflict(said("This merge has been undone already."))
        one, merged_into = customers.lock_both(connection, merge.kept, merge.merged)
        if merged_into is not None:
            raise Conflict(
                said("She has been merged into another customer since: undo that merge first.")
            )
        wakes = _part(database, connection, merge, one)
        merges.undone(connection, id, max(one.clock, merge.at), actor)
        suggestions.different(connection, merge.kept, merge.merged, actor.name)
        told = {"merged": str(merge.merged), "merge": str(id)}
        audit.add(connection, actor, "undo merge", "customer", str(merge.kept), told, None)
        return merge.merged, wakes

    return database.transact(work)


def _part(
    database: Database, connection: Connection, merge: merges.Merge, one: Locked
) -> list[Wake]:
    kept, merged, before = merge.kept, merge.merged, merge.before
    rows.part(connection, kept, merged, merge.at, before["mixed"])
    rows.forget_consent(connection, kept, merged, merge.id)
    was = Was(
        kept=_customer(kept, before["kept"]),
        merged=_customer(merged, before["merged"]),
        after=_customer(kept, merge.after),
    )
    told = rows.told_since(connection, kept, merged, merge.at)
    kept_now, merged_now = pure.parted(was, one.customer, told)
    rows.separate(
        connection, kept, before=before["kept"]["created_at"], after=merge.after["created_at"]
    )
    rows.separate(connection, merged, before=None, after=None)
    rows.part_memberships(connection, kept, merged, before)
    rows.give_interests(connection, merged, before["interests"])
    writes = Writes()
    turns = [
        Turn(database, connection, one, writes),
        Turn(database, connection, replace(one, customer=was.merged), writes),
    ]
    for turn, who in zip(turns, (kept_now, merged_now), strict=True):
        turn.stamp()
        turn.change(**{name: getattr(who, name) for name in _WHO if name != "suppressed"})
        recompute(turn)
        turn.at_the_end, turn.new = wake_next, True
    declined = _differing(merged_now.consent, was.merged.consent)
    _keep_consent(turns[1], declined, str(merge.id))
    mark_suppressed(connection, turns)
    return finish(turns, writes, connection)
