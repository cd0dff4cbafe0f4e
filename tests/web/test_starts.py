"""The pages on who enters when, and a journey started for many by hand."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text as sql

from designer.starts import views
from designer.words import Words
from engine.flow import dates, materials, starting, timing
from engine.flow.intake import Incoming, receive
from engine.flow.publish import pause, publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.model.segment import Segment
from engine.settings import Settings
from engine.store.session import Database
from tests.web.test_lifecycle import hidden, words_of

REST = [{"id": "rest", "type": "wait", "for": "30d"}]


class Made:
    """A journey and a segment of some customers, of their own in the shop."""

    def __init__(self, visitor: Any, database: Database) -> None:
        self.visitor = visitor
        self.database = database
        self.id = f"start-{uuid4().hex[:8]}"
        rule = {"trait": "of", "eq": self.id}
        segment = Segment.model_validate({"id": self.id, "name": "Regulars", "rule": rule})
        materials.put_segment(database, segment, actor=COMMAND_LINE)
        self.csrf = hidden(visitor.get("/import").text, "csrf")

    def publish(self, on: dict[str, Any], **entry: Any) -> None:
        self.save(on, **entry)
        publish(self.database, self.id, actor=COMMAND_LINE)

    def save(self, on: dict[str, Any], **entry: Any) -> None:
        document = {"id": self.id, "name": "Hello", "entry": {"on": on, **entry}, "steps": REST}
        save_journey(self.database, Journey.model_validate(document), actor=COMMAND_LINE)

    def fill(self, count: int, **traits: Any) -> None:
        """Have customers come into the segment."""
        some = [
            Incoming(source="t", message_id=uuid4().hex, kind="identify", name="Told",
                     user_id=uuid4().hex, traits={"of": self.id, **traits})
            for _ in range(count)
        ]  # fmt: skip
        receive(self.database, some)
        self.run(
            "INSERT INTO membership (customer_id, segment_id, inside, since) "
            "SELECT id, :id, true, now() FROM customer WHERE traits ->> 'of' = :id "
            "ON CONFLICT (customer_id, segment_id) DO UPDATE SET inside = true"
        )
        self.run("UPDATE segment SET state = 'ready' WHERE id = :id")

    def run(self, statement: str) -> None:
        self.database.transact(lambda c: c.execute(sql(statement), {"id": self.id}))

    def page(self, path: str = "", status: int = 200) -> str:
        answer = self.visitor.get(f"/journeys/{self.id}/starts{path}")
        assert answer.status_code == status, answer.text
        return words_of(answer.text)

    def post(self, path: str, **form: str) -> Any:
        return self.visitor.post(f"/journeys/{self.id}/{path}", data={"csrf": self.csrf, **form})

    def begin(self) -> str:
        """Start it as the page asks; return the new page's address within the journey."""
        query = f"?segment={self.id}&n=1&unit=s"
        asked = self.visitor.get(f"/journeys/{self.id}/starts/new{query}").text
        form = {name: hidden(asked, name) for name in ("id", "segment", "n", "unit")}
        answers = [self.post("starts", **form) for _ in range(2)]
        assert [one.status_code for one in answers] == [303, 303]
        return str(answers[0].headers["location"]).removeprefix(f"/journeys/{self.id}/starts")


@pytest.fixture
def made(visitor: Any, shop_settings: Settings) -> Iterator[Made]:
    database = Database(shop_settings.database_url)
    yield Made(visitor, database)
    database.close()


def test_it_asks_first_shows_how_far_it_is_and_can_be_stopped(made: Made) -> None:
    made.publish({"api": True})
    made.fill(3)
    asked = made.page(f"/new?segment={made.id}&n=1&unit=s")
    assert "Start “Hello” for everybody in “Regulars”?" in asked
    assert "3 customers ask to enter now." in asked
    assert "At most 1 customer a second: that takes less than a minute." in asked
    path = made.begin()
    assert "It is about to begin." in made.page(path)
    starting.go_on(made.database)
    assert "1 of 3 have had their turn" in made.page(path)
    shown = made.visitor.get(f"/journeys/{made.id}/starts{path}").text
    assert "hx-trigger" in shown
    assert "1 of 3" in made.page("/now")
    listed = made.page()
    assert listed.count("1 of 3 entered") == 1
    stopped = made.post(f"starts{path}/stop")
    assert stopped.status_code == 303
    page = made.page(path)
    assert "Somebody stopped it." in page
    assert "Entered 1" in page
    assert "hx-trigger" not in made.visitor.get(f"/journeys/{made.id}/starts{path}").text
    assert "1 of 3" not in made.page("/now")


def test_a_start_that_waits_says_for_what(made: Made) -> None:
    made.publish({"api": True})
    made.run("UPDATE segment SET state = 'building' WHERE id = :id")
    assert "It is not known yet who is in the segment" in made.page(f"/new?segment={made.id}")
    path = made.begin()
    assert "It waits until it is known who is in the segment." in made.page(path)
    pause(made.database, made.id, actor=COMMAND_LINE)
    assert "it goes on when that is resumed" in made.page(path)
    made.post(f"starts{path}/stop")


def test_what_cannot_be_started_says_why(made: Made) -> None:
    made.save({"api": True})
    assert "Once it is published" in made.page()
    assert "is not published" in made.page("/new", 422)
    made.publish({"api": True})
    assert "There is no segment lost." in made.page("/new?segment=lost", 422)
    assert "as a whole number of customers" in made.page("/new?n=soon", 422)
    assert made.post("starts", id="x").status_code == 422
    assert made.post("starts", id=str(uuid4()), segment="lost").status_code == 422
    made.page(f"/{uuid4()}", 404)


def test_the_dates_that_come_stand_in_a_calendar(made: Made) -> None:
    day = datetime.now(UTC).date() + timedelta(days=3)
    made.fill(2, hired=day.replace(year=2004).isoformat())
    made.publish({"date": "hired", "yearly": True, "offset": "1d", "time": "09:00"})
    assert "are being looked through" in made.page()
    timing.keep_up(made.database)
    while dates.fill(made.database):
        pass
    dates.come(made.database)
    page = made.page()
    assert "1 day after hired, every year at 9:00" in page
    assert "The next 14 days" in page
    bars = re.findall(r"<li title=\"([^\"]*)\">.*?class=\"n\">(\d+)<", made.visitor.get(f"/journeys/{made.id}/starts").text)  # fmt: skip
    counts = [int(count) for _, count in bars]
    assert len(counts) == 14 + 12
    assert counts[4] == 2
    assert sum(counts[:14]) == sum(counts[14:]) == 2
    pause(made.database, made.id, actor=COMMAND_LINE)


def test_the_calendar_counts_months_over_the_turn_of_a_year() -> None:
    first, words = date(2026, 11, 20), Words("en", accepted="en-GB")
    counted = {first: 1, date(2027, 1, 31): 2, date(2027, 10, 31): 4, date(2027, 11, 5): 8}
    shown = views.calendar(counted, first, words, complete=True)
    assert [bar.count for bar in shown.months] == [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 4]
    assert [bar.share for bar in shown.months if bar.count] == [25, 50, 100]
    assert shown.days[0].name == "Fri 20"
    assert shown.total == 7
    assert views.last_day(first) == date(2027, 11, 1)


def test_the_times_of_a_schedule_are_told(made: Made) -> None:
    made.publish({"schedule": "0 10 * * *", "zone": "UTC"})
    page = made.visitor.get(f"/journeys/{made.id}/starts").text
    assert "Every day at 10:00" in words_of(page)
    assert len(re.findall(r"<time datetime=\"[^\"]*T10:00:00\+00:00\"", page)) == 5
    pause(made.database, made.id, actor=COMMAND_LINE)


def test_publishing_asks_whether_those_inside_enter_too(made: Made) -> None:
    made.fill(2)
    made.save({"segment_entered": made.id})
    page = made.visitor.get(f"/journeys/{made.id}/publish").text
    assert "2 customers are in “Regulars” already." in words_of(page)
    assert made.post("publish", rev=hidden(page, "rev"), inside="").status_code == 303
    assert "Nothing yet" in made.page()
    made.save({"segment_entered": made.id}, pace="5/s")
    page = made.visitor.get(f"/journeys/{made.id}/publish").text
    assert made.post("publish", rev=hidden(page, "rev"), inside="start").status_code == 303
    assert "“Regulars” on publishing" in made.page()
    starting.go_on(made.database)
    assert "of 2 entered" in made.page()


def test_the_panel_of_the_journey_has_the_forms_of_each_way_in(made: Made) -> None:
    made.save({"api": True})
    ways = (
        ({"segment_left": made.id}, ["Regulars", "Which segment"]),
        ({"date": "birth_date", "yearly": True, "offset": "-7d"}, ["Which date", "Every year, like a birthday"]),
        ({"schedule": "0 10 1 * *"}, ["on a day of the month", "the last", "For whom"]),
        ({"schedule": "*/5 * * * *"}, ["As cron writes it"]),
    )  # fmt: skip
    for on, said in ways:
        made.save(on, pace="90/h")
        page = made.visitor.get(f"/journeys/{made.id}?show=draft").text
        for sentence in (*said, 'name="entry.pace.n"', 'value="90"'):
            assert sentence in page, (on, sentence)
        assert made.visitor.get(f"/journeys/{made.id}/walk?show=draft").status_code == 200
