"""What opens a journey: as it is written, checked and said."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData

from designer.canvas.forms import journey as journey_form
from designer.canvas.forms.builders import at_fields
from designer.canvas.forms.raw import read
from designer.canvas.panels import journey_mistakes
from designer.canvas.schedules import Times, in_plain_words
from designer.document.differences import differences
from engine.compile.compiler import compile as compile_journey
from engine.compile.known import Known
from engine.compile.validate import check
from engine.model.cron import Cron
from engine.model.document import parse_journey, written
from engine.model.journey import Journey
from engine.model.opening import Pace
from engine.model.segment import Segment
from engine.run.entry import triggers
from engine.run.likely import likely
from engine.run.walk import walk
from engine.run.walked import Start
from tests.unit.test_entry import event, plan, world
from tests.unit.test_sentences import plain, told
from tests.unit.test_step_forms import flat

AT = datetime(2026, 5, 4, 10, tzinfo=UTC)
VIP = Segment.model_validate({"id": "vip", "name": "VIP", "rule": {"trait": "tier", "eq": "gold"}})
OPENINGS: list[dict[str, Any]] = [
    {"segment_entered": "vip"},
    {"segment_left": "vip"},
    {"date": "birth_date", "yearly": True, "offset": "-7d", "time": "09:00"},
    {"date": "renewal"},
    {"schedule": "0 10 * * mon", "zone": "Europe/Paris", "segment": "vip"},
    {"schedule": "*/5 8-18 1-7 * fri"},
]
BYE = [{"id": "bye", "type": "exit"}]


def journey(on: dict[str, Any], **entry: Any) -> Journey:
    document = {"id": "j", "name": "j", "entry": {"on": on, **entry}, "steps": BYE}
    return Journey.model_validate(document)


@pytest.mark.parametrize("on", OPENINGS)
def test_a_document_comes_back_as_it_was_written(on: dict[str, Any]) -> None:
    first = journey(on, pace="500/min")
    again = parse_journey(written(first.document(), None))
    assert again == first
    assert again.document()["entry"] == {"on": on, "pace": "500/min"}


@pytest.mark.parametrize("on", OPENINGS)
def test_it_can_be_published_when_its_segment_exists(on: dict[str, Any]) -> None:
    assert check(journey(on), Known(segments={"vip": VIP})) == []
    said = [str(one) for one in check(journey(on), Known())]
    asked = [] if "vip" not in on.values() else ["there is no segment vip; create it or choose another"]  # fmt: skip
    assert said == asked


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        ({"schedule": "0 10 * *"}, "'0 10 * *' is no schedule: write minute, hour, day of month"),
        ({"schedule": "61 10 * * *"}, "the minute in '61 10 * * *' is not 0 to 59"),
        ({"schedule": "0 24 * * *"}, "the hour in '0 24 * * *' is not 0 to 23"),
        ({"schedule": "0 0 30 2 *"}, "the day in '0 0 30 2 *' is not 1 to 31"),
        ({"schedule": "0 0 * 2 mon#6"}, "the weekday in '0 0 * 2 mon#6' is not one of"),
        ({"schedule": "0 0 * 13 *"}, "the month in '0 0 * 13 *' is not 1 to 12"),
        ({"schedule": "0 0 * * *", "zone": "Mars"}, "Mars is no time zone"),
        ({"date": "birth_date", "offset": "soon"}, "'soon' is no duration"),
        ({"friday": True}, "a journey opens on an `event`, `segment_entered`"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(on: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        journey(on)
    assert sentence in str(refused.value)


def test_a_pace_is_a_number_of_customers_in_a_time() -> None:
    read = TypeAdapter(Pace).validate_python
    assert [read(text).per_second for text in ("30/s", "600/min", "7200/h")] == [30, 10, 2]
    for text in ("0/s", "5", "5/d", "-1/s", "1.5/s"):
        with pytest.raises(ValidationError, match="is no pace"):
            read(text)


def test_once_for_each_needs_a_property_that_the_entry_has() -> None:
    again = {"mode": "per_key", "key": "order_id"}
    [problem] = check(
        journey({"segment_entered": "vip"}, reentry=again), Known(segments={"vip": VIP})
    )
    assert "names order_id" in str(problem)
    assert problem.severity == "error"
    once = journey({"date": "birth_date", "yearly": True}, reentry={"mode": "once"})
    assert [one.severity for one in check(once, Known())] == ["warning"]


def test_a_change_of_membership_triggers_by_its_segment() -> None:
    entered, left = plan({"segment_entered": "vip"}), plan({"segment_left": "vip"})
    assert triggers(entered, event("Segment Entered", segment="vip"), world())
    assert not triggers(entered, event("Segment Entered", segment="new"), world())
    assert not triggers(entered, event("Segment Left", segment="vip"), world())
    assert triggers(left, event("Segment Left", segment="vip"), world())
    assert not triggers(plan({"date": "birth_date"}), event("Segment Left", segment="vip"), world())


@pytest.mark.parametrize("on", OPENINGS)
def test_somebody_made_up_would_enter(on: dict[str, Any]) -> None:
    shown = journey(on)
    found = likely(shown, {"vip": VIP.rule}, AT, "Europe/Zurich")
    start = Start(
        customer=world(**found.traits).customer, zone="Europe/Zurich", at=AT,
        properties=found.properties, segments={"vip": VIP.rule},
    )  # fmt: skip
    walked = walk(compile_journey(shown), start)
    assert walked.state is not None
    assert walked.state.ended == "exit"
    if "date" in on and on.get("yearly"):
        assert found.traits["birth_date"] == "1996-05-11"
    if "segment_left" in on:
        assert found.traits.get("tier") != "gold"


@pytest.mark.parametrize(
    ("cron", "times"),
    [
        ("0 10 * * mon", Times("week", "10:00", days=("mon",))),
        ("5 9 * * 1-5", Times("week", "09:05", days=("mon", "tue", "wed", "thu", "fri"))),
        ("0 0 * * 0,sat", Times("week", "00:00", days=("sat", "sun"))),
        ("30 18 * * *", Times("day", "18:30")),
        ("0 8 15 * *", Times("month", "08:00", day="15")),
        ("0 8 L * *", Times("month", "08:00", day="L")),
        ("*/5 8 * * *", None), ("0 8 1 1 *", None), ("0 8 1 * mon", None), ("0 8 1-7 * *", None),
    ],
)  # fmt: skip
def test_a_schedule_is_said_in_plain_words_where_they_can(cron: str, times: Times | None) -> None:
    assert in_plain_words(cron) == times
    if times is not None:
        assert in_plain_words(times.cron) == times


def local(cron: str, zone: str, *after: int) -> list[str]:
    """Return the next three times of a schedule as the clock there shows them."""
    instant, shown = datetime(*after, tzinfo=ZoneInfo(zone)).astimezone(UTC), []  # type: ignore[misc,arg-type]
    for _ in range(3):
        following = Cron(cron).next_after(instant, zone)
        assert following is not None
        assert following > instant
        instant = following
        shown.append(instant.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z"))
    return shown


def test_a_skipped_time_is_the_first_instant_after_it() -> None:
    assert local("30 2 * * *", "Europe/Zurich", 2026, 3, 28) == [
        "28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200",
    ]  # fmt: skip


def test_a_time_that_occurs_twice_is_the_first() -> None:
    assert local("30 2 * * *", "Europe/Zurich", 2026, 10, 24) == [
        "24 02:30 +0200", "25 02:30 +0200", "26 02:30 +0100",
    ]  # fmt: skip


def test_an_instant_between_the_two_of_them_does_not_bring_it_again() -> None:
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10, the second time
    assert Cron("30 2 * * *").next_after(between, "Europe/Zurich") == datetime(
        2026, 10, 26, 1, 30, tzinfo=UTC
    )


FORMS = [
    *OPENINGS,
    {"schedule": "5 9 * * 1-5"},
    {"schedule": "0 8 L * *", "segment": "vip"},
    {"schedule": "30 18 * * *"},
    {"api": True},
]


@pytest.mark.parametrize("on", FORMS)
@pytest.mark.parametrize("more", [{}, {"pace": "7/h", "max_age": "3d"}])
def test_its_form_saved_unchanged_changes_nothing(on: dict[str, Any], more: dict[str, Any]) -> None:
    document = journey(on, **more).document()
    raw = read(FormData(flat(journey_form.raw_of(document))))
    assert journey_form.document_of(document, raw)["entry"] == document["entry"]


def sent(**entry: Any) -> dict[str, Any]:
    """Return what a form makes of what was filled in."""
    before = journey({"event": "Go"}).document()
    raw = journey_form.raw_of(before)
    raw["entry"] |= entry
    made: dict[str, Any] = journey_form.document_of(before, read(FormData(flat(raw))))["entry"]
    return made


def test_a_form_makes_what_is_chosen() -> None:
    week = {"every": "week", "at": "09:30", "days": ["fri", "mon"], "day": "1", "cron": "0 1 * * *"}
    assert sent(kind="schedule", schedule=week, segment="vip")["on"] == {
        "schedule": "30 9 * * mon,fri", "segment": "vip",
    }  # fmt: skip
    last = {**week, "every": "month", "day": "L"}
    assert sent(kind="schedule", schedule=last)["on"] == {"schedule": "30 9 L * *"}
    own = {**week, "every": "cron"}
    assert sent(kind="schedule", schedule=own)["on"] == {"schedule": "0 1 * * *"}
    before = {"n": "7", "unit": "d", "side": "before"}
    assert sent(kind="date", date="birth_date", yearly="yes", offset=before, time="09:00")["on"] == {
        "date": "birth_date", "yearly": True, "offset": "-7d", "time": "09:00",
    }  # fmt: skip
    assert sent(kind="segment_left", segment="vip")["on"] == {"segment_left": "vip"}
    assert sent(pace={"n": "90", "unit": "h"})["pace"] == "90/h"


def test_a_form_says_at_its_field_what_is_missing() -> None:
    def mistakes(**entry: Any) -> dict[str, str]:
        raw = journey_form.raw_of(journey({"event": "Go"}).document())
        raw["entry"] |= entry
        document = journey_form.document_of(journey({"event": "Go"}).document(), raw)
        found = journey_mistakes({"id": "j", **document})
        return {field: str(said) for field, said in at_fields("journey", raw, found).items()}

    assert mistakes(kind="segment_entered", segment="") == {
        "entry.on.segment_entered": "Choose a segment."
    }
    days = {"every": "week", "at": "09:30", "days": []}
    assert "the weekday in" in mistakes(kind="schedule", schedule=days)["entry.on.schedule"]
    assert mistakes(kind="date", date="") == {"entry.on.date": "this must not be empty"}
    assert "is no pace" in mistakes(pace={"n": "x", "unit": "s"})["entry.pace"]


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        ({"segment_entered": "vip"}, "On coming into “VIP”"),
        ({"segment_left": "old"}, "On leaving “old”"),
        (OPENINGS[2], "7 days before birth date, every year at 09:00"),
        ({"date": "renewal"}, "On the day of renewal"),
        ({"date": "renewal", "offset": "2w"}, "2 weeks after renewal"),
        (OPENINGS[4], "Every Monday at 10:00, for everybody in “VIP” (Europe/Paris)"),
        ({"schedule": "30 18 * * 1-5"}, "On weekdays at 18:30, for all customers"),
        ({"schedule": "0 8 L * *"}, "On the last day of each month at 08:00, for all customers"),
        ({"schedule": "0 8 15 * *"}, "On day 15 of each month at 08:00, for all customers"),
        ({"schedule": "0 8 * * *"}, "Every day at 08:00, for all customers"),
        ({"schedule": "*/5 8 * * *"}, "By the schedule */5 8 * * *, for all customers"),
    ],
)
def test_what_opens_it_is_said_in_a_sentence(on: dict[str, Any], sentence: str) -> None:
    shown = journey(on)
    assert plain(told().opens(shown.entry)) == sentence
    [change] = differences(shown, journey({"event": "Go"}), names=told().names, words=told().words)
    assert plain(change.text) == f"What opens it was On “Go”, is {sentence}"
