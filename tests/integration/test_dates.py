"""Dates of customers and times of the calendar that open journeys."""

import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update
from uuid_utils.compat import uuid7

from engine.flow import archive, dates, materials, starting, timing
from engine.flow import turn as turns
from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.history import Profile, add_customers
from engine.flow.publish import pause, publish
from engine.model.actor import COMMAND_LINE
from engine.model.opening import OnDate
from engine.run.occurrences import next_occurrence
from engine.store import tables
from engine.store.session import Database
from tests.integration.test_following import REST, Shop

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ON = {"date": "renewal"}


def fill(database: Database, limit: int = 100) -> None:
    """Look at everybody; a transaction elsewhere on the server may keep that waiting a while."""
    left = text(
        "SELECT EXISTS (SELECT FROM timed_journey WHERE trait IS NOT NULL AND filled_at IS NULL)"
    )
    give_up = time.monotonic() + 30
    while database.transact(lambda connection: connection.execute(left).scalar_one()):
        if not dates.fill(database, limit=limit):
            time.sleep(0.02)
        assert time.monotonic() < give_up


class Calendar(Shop):
    """A shop whose dispatcher is this test."""

    def now(self) -> datetime:
        """Return the database's time."""
        with self.database.read() as connection:
            found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            return found

    def customer(self, name: str, **traits: Any) -> UUID:
        """Make a customer, or give her other traits."""
        record = CustomerRecord(traits=traits, time_zone="UTC")
        return put_customer(self.database, f"external_id:{name}", record).id

    def zone(self, name: str, zone: str, **traits: Any) -> None:
        """Have a customer travel."""
        put_customer(
            self.database, f"external_id:{name}", CustomerRecord(traits=traits, time_zone=zone)
        )

    def published(
        self, on: dict[str, Any] = ON, *, ago: timedelta = 3 * HOUR, **entry: Any
    ) -> None:
        """Publish `dated`, as if it had been so long ago."""
        self.live("dated", REST, entry={"on": on, **entry})
        timing.keep_up(self.database)
        self.run("UPDATE timed_journey SET since = since - :ago", ago=ago)
        fill(self.database, limit=2)

    def run(self, statement: str, **given: Any) -> None:
        """Change rows."""
        self.database.transact(lambda connection: connection.execute(text(statement), given))

    def come(self) -> int:
        """Have the dispatcher look once; return how many have asked to enter."""
        before = len(self.asked())
        dates.come(self.database)
        return len(self.asked()) - before

    def entered(self) -> list[UUID]:
        """Return who has entered."""
        return [row.customer_id for row in self.rows(tables.run)]

    def asked(self) -> list[datetime]:
        """Return when the entries that were asked for were due."""
        events = [row for row in self.rows(tables.event) if row.kind == "entry"]
        return [row.occurred_at for row in events]


@pytest.fixture
def shop(database_url: str) -> Iterator[Calendar]:
    """An empty shop."""
    made = Calendar(Database(database_url, pool_size=4))
    yield made
    made.database.close()


def test_a_date_opens_the_journey_once_at_its_instant(shop: Calendar) -> None:
    due = shop.now() - HOUR
    ada = shop.customer("ada", renewal=due.isoformat())
    shop.customer("bob", renewal=(due + 2 * DAY).isoformat())
    shop.customer("cleo")
    shop.published()
    assert [shop.come() for _ in range(3)] == [1, 0, 0]
    assert shop.entered() == [ada]
    assert {row.entry_source for row in shop.rows(tables.run)} == {"date"}
    assert shop.asked() == [due]
    [event] = [row for row in shop.rows(tables.event) if row.kind == "entry"]
    assert event.properties == {
        "trait": "renewal", "date": due.isoformat(), "on": due.date().isoformat(),
    }  # fmt: skip
    shop.published()  # the same again
    assert shop.come() == 0


def test_what_was_due_before_it_was_published_does_not_count(shop: Calendar) -> None:
    shop.customer("ada", renewal=(shop.now() - HOUR).isoformat())
    shop.published(ago=timedelta())
    assert shop.come() == 0


def test_a_yearly_date_comes_again_the_next_year(shop: Calendar) -> None:
    due = shop.now() - HOUR
    ada = shop.customer("ada", birth_date=due.replace(year=1996).isoformat())
    shop.published({"date": "birth_date", "yearly": True})
    assert shop.come() == 1
    [row] = shop.rows(tables.upcoming)
    assert (row.customer_id, row.done) == (ada, due.year - 1996)
    assert row.due_on.year == due.year + 1


def test_who_gets_a_date_or_another_one_or_moves_is_looked_at_again(shop: Calendar) -> None:
    shop.published(ago=timedelta())
    soon = shop.now() + DAY
    ada = shop.customer("ada", renewal=soon.isoformat())  # made
    bob = shop.customer("bob", city="Bern")
    assert [row.customer_id for row in shop.rows(tables.upcoming)] == [ada]
    assert shop.come() == 0
    shop.customer("bob", renewal=soon.isoformat())  # changed
    add_customers(shop.database, [Profile(identities=(("external_id", "cleo"),), traits={"renewal": soon.isoformat()})])  # fmt: skip
    shop.track("Seen", city="Bern")
    assert len(shop.rows(tables.upcoming)) == 3
    shop.come()
    assert [row.due_at for row in shop.rows(tables.upcoming)] == [soon] * 3
    shop.zone("bob", "Asia/Tokyo", renewal=soon.isoformat())
    [row] = [row for row in shop.rows(tables.upcoming) if row.customer_id == bob]
    assert row.due_at < soon
    shop.customer("ada", renewal="never")
    shop.come()
    assert [row.due_at for row in shop.rows(tables.upcoming) if row.customer_id == ada] == [None]


def test_travelling_brings_a_date_no_second_time_and_a_corrected_one_does(shop: Calendar) -> None:
    at = shop.now() - HOUR
    on = {"date": "day", "time": f"{at:%H:%M}"}
    ada = shop.customer("ada", day=at.date().isoformat())
    shop.published(on, ago=2 * HOUR)
    assert shop.come() == 1
    # Half an hour to the west the clock shows that time a second time, in half an hour.
    shop.zone("ada", "Etc/GMT+1", day=at.date().isoformat())
    shop.run("UPDATE upcoming SET due_at = now() WHERE due_at IS NOT NULL")
    shop.run("UPDATE timed_journey SET paced_at = paced_at - interval '1 minute'")
    assert shop.come() == 0
    [row] = shop.rows(tables.upcoming)
    assert (row.customer_id, row.done, row.due_at) == (ada, 0, None)
    shop.customer("ada", day=(at + DAY).date().isoformat())
    shop.come()
    [row] = shop.rows(tables.upcoming)
    assert row.done is None
    assert row.due_at > shop.now()


def test_what_the_dispatcher_was_too_late_for_is_refused_with_its_reason(shop: Calendar) -> None:
    shop.customer("ada", renewal=(shop.now() - 30 * HOUR).isoformat())
    shop.customer("bob", renewal=(shop.now() - 20 * HOUR).isoformat())
    shop.published(ago=3 * DAY)
    assert shop.come() == 1
    shop.run("UPDATE timed_journey SET paced_at = paced_at - interval '1 second'")
    assert shop.come() == 1
    assert shop.refusals() == [("dated", "late")]
    assert len(shop.entered()) == 1


def test_in_a_paused_journey_it_is_refused(shop: Calendar) -> None:
    shop.customer("ada", renewal=(shop.now() - HOUR).isoformat())
    shop.published()
    pause(shop.database, "dated", actor=COMMAND_LINE)
    shop.come()
    assert shop.refusals() == [("dated", "paused")]


def test_the_pace_spreads_dates_that_come_together(shop: Calendar) -> None:
    for n in range(3):
        shop.customer(f"c{n}", renewal=(shop.now() - HOUR).isoformat())
    shop.published(pace="2/h")
    assert [shop.come() for _ in range(2)] == [1, 0]
    shop.run("UPDATE timed_journey SET paced_at = paced_at - interval '30 minutes'")
    assert [shop.come() for _ in range(2)] == [1, 0]


def test_who_was_merged_away_is_left_out(shop: Calendar) -> None:
    due = (shop.now() - HOUR).isoformat()
    ada, bob = shop.customer("ada", renewal=due), shop.customer("bob", renewal=due)
    shop.published()
    shop.run("UPDATE customer SET merged_into = :ada WHERE id = :bob", ada=ada, bob=bob)
    assert [row.customer_id for row in shop.rows(tables.upcoming)] == [ada]
    assert shop.come() == 1
    assert shop.entered() == [ada]


def test_a_process_that_is_killed_lets_nobody_in_twice_and_loses_nobody(
    shop: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [shop.customer(f"c{n}", renewal=(shop.now() - HOUR).isoformat()) for n in range(5)]
    shop.published()
    finish = turns.finish

    def die(*given: Any, **more: Any) -> None:
        finish(*given, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dates, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            shop.come()
    assert shop.entered() == []
    shop.run("UPDATE timed_journey SET paced_at = NULL")
    while len(shop.entered()) < 5:
        shop.come()
        shop.run("UPDATE timed_journey SET paced_at = now() - interval '1 second'")
    assert sorted(shop.entered()) == sorted(ids)
    assert shop.come() == 0


def test_one_who_cannot_be_decided_holds_up_nobody(
    shop: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = shop.now() - HOUR
    ada = shop.customer("ada", renewal=due.isoformat())
    bob = shop.customer("bob", renewal=(due + timedelta(seconds=1)).isoformat())
    shop.published(pace="100/s")
    shop.run("UPDATE timed_journey SET paced_at = now() - interval '1 minute'")
    ask = dates.ask_to_enter

    def fail(turn: Any, *given: Any, **more: Any) -> Any:
        if turn.customer.id == ada:
            raise RuntimeError
        return ask(turn, *given, **more)

    monkeypatch.setattr(dates, "ask_to_enter", fail)
    for _ in range(3):
        shop.come()
        shop.run("UPDATE timed_journey SET paced_at = now() - interval '1 second'")
    assert shop.entered() == [bob]
    monkeypatch.setattr(dates, "ask_to_enter", ask)
    shop.run("UPDATE upcoming SET due_at = now()")
    shop.come()
    assert set(shop.entered()) == {ada, bob}


def test_another_rule_and_another_trait_are_noted_anew_and_archiving_forgets(
    shop: Calendar,
) -> None:
    shop.customer("ada", renewal=(shop.now() - HOUR).isoformat(), trial="2090-01-01")
    shop.published()
    shop.come()
    shop.published({**ON, "offset": "-1d"})
    assert [row.done for row in shop.rows(tables.upcoming)] == [0]
    shop.published({"date": "trial"})
    [row] = shop.rows(tables.upcoming)
    assert (row.done, row.due_on) == (None, date(2090, 1, 1))
    archive.archive(shop.database, "dated", actor=COMMAND_LINE, inside="end")
    timing.keep_up(shop.database)
    assert shop.rows(tables.timed_journey) == shop.rows(tables.upcoming) == []


ODD = ["2001-02-29", "1990-02-30", "0000-01-01", "20010517", "2001-W20-4", "soon", "2001-13-01",
       "1999", "1990-05-17T23:30:00Z", "1990-05-17T00:30:00+13:00", "2090-06-01", 12, True, None]  # fmt: skip


@pytest.mark.parametrize(
    "on",
    [
        {"yearly": True}, {"yearly": True, "offset": "-7d", "time": "09:00"}, {"offset": "2mo"},
        {"yearly": True, "offset": "-400d"}, {"yearly": True, "offset": "-36h"}, {},
        {"yearly": True, "offset": "1y"},
    ],
)  # fmt: skip
def test_filling_notes_everybody_whose_date_will_come_and_the_day(
    shop: Calendar, on: dict[str, Any]
) -> None:
    rng, told = Random(7), {}
    for _ in range(120):
        born = date(1950, 1, 1) + timedelta(days=rng.randrange(40_000))
        told[uuid7()] = born.isoformat()
    told |= {uuid7(): value for value in [*ODD, "2000-02-29", "1999-12-31", "2000-01-01"]}
    profiles = [
        Profile(identities=(("n", str(id)),), traits={"day": value}, time_zone="Pacific/Auckland")
        for id, value in told.items()
    ]
    add_customers(shop.database, profiles)
    opening = OnDate.model_validate({"date": "day", **on})
    shop.published(opening.document(), ago=timedelta())
    [journey] = shop.rows(tables.timed_journey)
    noted = {row.customer_id: row for row in shop.rows(tables.upcoming)}
    checked = 0
    for customer in shop.rows(tables.customer):
        value = customer.traits.get("day")
        found = next_occurrence(opening, value, "Pacific/Auckland", after=journey.since, done=None)
        if found is None:
            continue
        checked += 1
        row = noted[customer.id]
        assert row.due_at <= found.at
        passed = row.due_on is None or abs(row.due_on - journey.since.date()) <= 3 * DAY
        if DATE.fullmatch(value) and not passed and not str(opening.offset).endswith("h"):
            assert row.due_on == found.on, value
    assert checked > 10


def test_a_change_while_it_is_filled_is_not_lost(shop: Calendar) -> None:
    ada = shop.customer("ada", renewal="2090-01-01")
    shop.live("dated", REST, entry={"on": ON})
    with shop.database._engine.connect() as early:
        with early.begin():
            early.execute(update(tables.customer).where(tables.customer.c.id == ada).values(seq=5))
            timing.keep_up(shop.database)
            assert not dates.fill(
                shop.database
            )  # whoever does not know yet may still change a date
            early.execute(text("UPDATE customer SET traits = jsonb_build_object('renewal', '2091-01-01')"))  # fmt: skip
        fill(shop.database)
    shop.come()
    assert [row.due_on for row in shop.rows(tables.upcoming)] == [date(2091, 1, 1)]


# Schedules


def started(shop: Calendar) -> list[tuple[str, str | None]]:
    return [(row.state, row.reason) for row in shop.rows(tables.start)]


def scheduled(shop: Calendar, cron: str, **entry: Any) -> datetime:
    """Publish a journey that opens on a schedule; return when that comes next."""
    shop.live("news", REST, entry={"on": {"schedule": cron, "zone": "UTC"}, **entry})
    timing.keep_up(shop.database)
    [row] = shop.rows(tables.timed_journey)
    found: datetime = row.next_at
    return found


def test_a_schedule_starts_the_journey_for_all_at_its_time(shop: Calendar) -> None:
    ada = shop.customer("ada")
    due = scheduled(shop, "0 10 * * *")
    timing.begin_due(shop.database)
    assert started(shop) == []
    shop.run("UPDATE timed_journey SET next_at = now() - interval '1 minute'")
    timing.begin_due(shop.database)
    timing.begin_due(shop.database)
    assert started(shop) == [("running", None)]
    assert [row.next_at for row in shop.rows(tables.timed_journey)] == [due]
    starting.go_on(shop.database)
    assert shop.entered() == [ada]
    assert {row.entry_source for row in shop.rows(tables.run)} == {"schedule"}


def test_of_times_that_were_missed_one_is_made_up_for_and_an_old_one_is_told(
    shop: Calendar,
) -> None:
    scheduled(shop, "*/30 * * * *")
    shop.run("UPDATE timed_journey SET next_at = now() - interval '3 hours'")
    timing.begin_due(shop.database)
    assert started(shop) == [("running", None)]
    shop.run("UPDATE timed_journey SET next_at = now() - interval '3 days'")
    timing.begin_due(shop.database)
    assert started(shop) == [("running", None), ("stopped", "late"), ("running", None)]
    assert all(row.next_at > shop.now() for row in shop.rows(tables.timed_journey))


def test_the_time_of_a_paused_journey_passes(shop: Calendar) -> None:
    scheduled(shop, "*/30 * * * *")
    pause(shop.database, "news", actor=COMMAND_LINE)
    timing.keep_up(shop.database)
    shop.run("UPDATE timed_journey SET next_at = now()")
    timing.begin_due(shop.database)
    assert started(shop) == [("stopped", "paused")]


def test_another_zone_of_the_shop_is_another_time(shop: Calendar) -> None:
    shop.live("news", REST, entry={"on": {"schedule": "0 10 * * *"}})
    timing.keep_up(shop.database)
    [before] = shop.rows(tables.timed_journey)
    materials.change_workspace(shop.database, {"time_zone": "Asia/Tokyo"}, actor=COMMAND_LINE)
    timing.keep_up(shop.database)
    [after] = shop.rows(tables.timed_journey)
    assert (before.next_at - after.next_at) % DAY in {7 * HOUR, 8 * HOUR}
    publish(shop.database, "news", actor=COMMAND_LINE)
    timing.keep_up(shop.database)
    assert shop.rows(tables.timed_journey) == [after]
