"""Starting a journey for many customers at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text, update
from uuid_utils.compat import uuid7

from engine.errors import Conflict, InvalidInput
from engine.flow import archive, materials, starting
from engine.flow.publish import pause, resume
from engine.model.actor import COMMAND_LINE
from engine.model.opening import Pace
from engine.model.segment import Segment
from engine.store import starts, tables
from engine.store.session import Database
from engine.store.starts import Start
from tests.integration.test_following import REST, Shop

VIP = Segment.model_validate({"id": "vip", "name": "VIP", "rule": {"trait": "tier", "eq": "gold"}})
AT = datetime(2026, 5, 4, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Many(Shop):
    """A shop with many customers, of whom every second is in a segment."""

    def fill(self, count: int, *, ready: bool = True) -> list[UUID]:
        """Make customers; return those in the segment."""
        materials.put_segment(self.database, VIP, actor=COMMAND_LINE)
        ids = [uuid7() for _ in range(count)]
        since = {"since": AT, "segment_id": "vip"}
        rows = [{"customer_id": id, "inside": n % 2 == 0, **since} for n, id in enumerate(ids)]

        def work(connection: Any) -> None:
            tiers = [{"tier": "gold"} if n % 2 == 0 else {} for n in range(count)]
            people = [{"id": id, "traits": t} for id, t in zip(ids, tiers, strict=True)]
            connection.execute(insert(tables.customer), people)
            connection.execute(insert(tables.membership), rows)
            if ready:
                connection.execute(update(tables.segment).values(state="ready"))

        self.database.transact(work)
        return ids[::2]

    def start(self, segment: str | None = "vip", pace: str = "10/s") -> Start:
        """Start the journey `news`."""
        return starting.begin(
            self.database, uuid7(), "news", segment, Pace(pace), actor=COMMAND_LINE
        )

    def found(self, start: Start) -> Start:
        """Return how far a start is."""
        with self.database.read() as connection:
            return starts.one(connection, start.journey, start.id)

    def entered(self) -> list[UUID]:
        """Return who has entered, in their order."""
        return [row.customer_id for row in self.rows(tables.run)]


@pytest.fixture
def shop(database_url: str) -> Iterator[Many]:
    """A shop with a published journey."""
    made = Many(Database(database_url, pool_size=4))
    made.live("news", REST)
    yield made
    made.database.close()


def test_those_in_the_segment_enter_at_the_pace_once_each_and_in_order(shop: Many) -> None:
    inside = shop.fill(50)
    start = shop.start()
    counts = [starting.go_on(shop.database, at=AT + n * SECOND) for n in range(5)]
    assert counts == [1, 10, 10, 4, 0]
    assert shop.entered() == inside
    found = shop.found(start)
    assert (found.state, found.total, found.entered, found.refused) == ("done", 25, 25, 0)
    assert {row.entry_source for row in shop.rows(tables.run)} == {"start"}
    told = [row.properties for row in shop.rows(tables.event)]
    assert told[0] == {"start": str(start.id), "segment": "vip", "name": "VIP"}


def test_everybody_enters_but_those_who_come_later(shop: Many) -> None:
    shop.fill(6)
    start = shop.start(segment=None, pace="2/s")
    for n in range(3):
        starting.go_on(shop.database, at=AT + n * SECOND)
    shop.fill(3)
    for n in range(3, 9):
        starting.go_on(shop.database, at=AT + n * SECOND)
    found = shop.found(start)
    assert (found.state, found.total, found.entered) == ("done", 6, 6)


def test_the_rules_of_coming_back_hold(shop: Many) -> None:
    shop.fill(4)
    first, second = shop.start(), shop.start()
    for n in range(8):
        starting.go_on(shop.database, at=AT + n * SECOND)
    assert (shop.found(first).entered, shop.found(second).entered) == (2, 0)
    assert shop.found(second).refused == 2
    assert shop.refusals() == [("news", "running")] * 2


def test_one_that_is_killed_midway_goes_on_and_nobody_comes_twice(
    shop: Many, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = shop.fill(20)
    start = shop.start()
    starting.go_on(shop.database, at=AT)
    advance = starts.advance

    def die(*given: Any, **more: Any) -> None:
        advance(*given, **more)
        raise KeyboardInterrupt  # everything of this group is written, and nothing committed

    with monkeypatch.context() as patched:
        patched.setattr(starts, "advance", die)
        with pytest.raises(KeyboardInterrupt):
            starting.go_on(shop.database, at=AT + SECOND)
    assert shop.entered() == inside[:1]
    assert shop.found(start).entered == 1
    starting.go_on(shop.database, at=AT + SECOND)
    assert shop.entered() == inside
    starting.go_on(shop.database, at=AT + 2 * SECOND)
    assert shop.found(start).state == "done"


def test_one_who_cannot_be_decided_holds_up_nobody(
    shop: Many, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inside = shop.fill(8)
    start, ask, address = shop.start(), starting.ask_to_enter, "ada@example.com"

    def fail(turn: Any, *given: Any, **more: Any) -> Any:
        if turn.customer.id == inside[1]:
            raise RuntimeError(address)
        return ask(turn, *given, **more)

    monkeypatch.setattr(starting, "ask_to_enter", fail)
    for n in range(6):
        starting.go_on(shop.database, at=AT + n * SECOND)
    found = shop.found(start)
    assert (found.state, found.entered, found.failed) == ("done", 3, 1)
    assert shop.entered() == [inside[0], *inside[2:]]
    assert "ada@" not in caplog.text


def test_it_stops_and_who_has_entered_stays(shop: Many) -> None:
    shop.fill(40)
    start = shop.start()
    starting.go_on(shop.database, at=AT)
    stopped = starting.stop(shop.database, "news", start.id, actor=COMMAND_LINE)
    again = starting.stop(shop.database, "news", start.id, actor=COMMAND_LINE)
    assert (stopped.state, stopped.reason, stopped.entered) == ("stopped", "by_hand", 1)
    assert again == stopped
    assert starting.go_on(shop.database, at=AT + SECOND) == 0
    assert len(shop.entered()) == 1
    done = [row.action for row in shop.rows(tables.audit) if "start" in row.action]
    assert done == ["start", "stop start"]


def test_it_waits_while_the_segment_is_built_and_while_the_journey_is_paused(shop: Many) -> None:
    shop.fill(4, ready=False)
    start = shop.start()
    assert starting.go_on(shop.database, at=AT) == 0
    shop.database.transact(lambda c: c.execute(text("UPDATE segment SET state = 'ready'")))
    pause(shop.database, "news", actor=COMMAND_LINE)
    assert starting.go_on(shop.database, at=AT) == 0
    assert shop.found(start).state == "running"
    resume(shop.database, "news", actor=COMMAND_LINE)
    assert starting.go_on(shop.database, at=AT) == 1


def test_it_ends_when_nobody_can_enter_any_more(shop: Many) -> None:
    shop.fill(4)
    start = shop.start()
    archive.archive(shop.database, "news", actor=COMMAND_LINE)
    starting.go_on(shop.database, at=AT)
    assert (shop.found(start).state, shop.found(start).reason) == ("stopped", "archived")
    with pytest.raises(Conflict, match="is archived: nobody can enter it"):
        shop.start()


def test_who_has_left_the_segment_meanwhile_stays_out(shop: Many) -> None:
    inside = shop.fill(4)
    shop.start()
    starting.go_on(shop.database, at=AT)
    gone = tables.membership.c.customer_id == inside[1]
    shop.database.transact(
        lambda c: c.execute(update(tables.membership).where(gone).values(inside=False))
    )
    starting.go_on(shop.database, at=AT + SECOND)
    assert shop.entered() == inside[:1]


def test_what_cannot_be_started_is_refused_in_a_sentence(shop: Many) -> None:
    with pytest.raises(InvalidInput, match="There is no segment lost"):
        shop.start("lost")
    again = {"reentry": {"mode": "per_key", "key": "order_id"}}
    shop.live("news", REST, entry={"on": {"event": "Go"}, **again})
    with pytest.raises(Conflict, match="once for each order_id, which a start has not"):
        shop.start(None)
