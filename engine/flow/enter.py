"""Opening journeys: an event, or a request, makes a run."""

from typing import Any

from uuid_utils.compat import uuid7

from engine.flow import advance
from engine.flow.turn import Turn
from engine.model.event import Event
from engine.model.opening import SEGMENT_ENTERED, SEGMENT_LEFT
from engine.run import entry
from engine.run.entry import Opened, PastRuns, Refused
from engine.run.state import Exit, State
from engine.store import runs
from engine.store.catalogue import Live
from engine.store.runs import Run


def open_journeys(turn: Turn, event: Event) -> None:
    """Open the live journeys that the event starts; a refusal is kept with its reason."""
    world = turn.world()
    for live in turn.catalogue.by_event.get(event.name, ()):
        if entry.triggers(live.machine.plan, event, world):
            source = "segment" if event.name in (SEGMENT_ENTERED, SEGMENT_LEFT) else "event"
            _open(turn, event, live, None, source=source)


def open_journey(
    turn: Turn, event: Event, journey: str, key: str | None, *, source: str
) -> Refused | None:
    """Open the journey that `source` asks for; return why not, which is kept, too."""
    asked = turn.catalogue.live.get(journey)
    if asked is not None:
        return _open(turn, event, asked, key, source=source)
    refused = Refused(reason="not_live")
    _refuse(turn, event, journey, refused)
    return refused


def _open(
    turn: Turn, event: Event, live: Live, given: str | None, *, source: str
) -> Refused | None:
    plan = live.machine.plan
    key = entry.key_of(plan, event, given)
    decision: Opened | Refused
    if live.paused:
        decision = Refused(reason="paused")
    elif key is None:
        decision = Refused(reason="no_key", data={"key": plan.journey.entry.reentry.key})
    else:
        past = _past(turn, plan.journey.id, key)
        decision = entry.decide(plan, event, turn.world(), past)
    if isinstance(decision, Refused):
        _refuse(turn, event, plan.journey.id, decision)
        return decision
    run_id = uuid7()
    run = Run(
        id=run_id,
        journey=plan.journey.id,
        version=live.version,
        plan_hash=plan.hash,
        source=source,
        entry_key=key or "",
        revision=0,
        command=Exit(reason=""),
        state=State(
            run=run_id,
            customer=turn.customer.id,
            entered_at=turn.now,
            entry=event.properties,
            held_out=decision.held_out,
            arms=decision.arms,
        ),
        stored=False,
    )
    advance.enter(turn, run)
    if run.ended_at is not None:
        run.stored_revision = run.revision  # it ended at once: there is no workflow to tell
    turn.runs().append(run)
    return None


def _past(turn: Turn, journey: str, key: str) -> PastRuns:
    """Return the earlier runs, those that this transaction has not written yet included."""
    past = runs.past(turn.connection, turn.customer.id, journey, key)
    unwritten = [run for run in turn.runs() if run.journey == journey]
    same = [run for run in unwritten if run.entry_key == key]
    ended = [run.ended_at for run in same if run.ended_at is not None]
    if past.last_ended is not None:
        ended.append(past.last_ended)
    last = max(unwritten, key=lambda run: run.id, default=None)
    return PastRuns(
        running=any(run.ended_at is None for run in same),
        last_ended=max(ended, default=None),
        held_out=last.state.held_out if last is not None else past.held_out,
        arms={**past.arms, **(last.state.arms if last is not None else {})},
    )


def _refuse(turn: Turn, event: Event, journey: str, refused: Refused) -> None:
    row: dict[str, Any] = {
        "customer_id": turn.customer.id,
        "seq": event.seq,
        "journey_id": journey,
        "at": turn.now,
        "reason": refused.reason,
        "data": dict(refused.data),
    }
    turn.writes.refusals.append(row)
