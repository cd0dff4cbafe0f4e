"""What the pages of segments are made of: lines of sizes, where a segment is used, how it changed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from designer.segments.charts import chart, spark
from designer.segments.uses import begins, uses
from designer.segments.views import figures, progress, row
from designer.words import Words
from engine.model.segment import Segment
from engine.store.populations import Population, Reader

TODAY = date(2026, 3, 31)
WORDS = Words()


def days(*sizes: int) -> list[tuple[date, int]]:
    return [(TODAY - timedelta(days=len(sizes) - 1 - n), size) for n, size in enumerate(sizes)]


def test_a_small_line_goes_from_side_to_side() -> None:
    assert spark(days(0, 5, 10)) == "0,22 48,12 96,2"
    assert spark(days(7, 7)) == "0,12 96,12"
    assert spark(days(7)) == ""
    assert spark([]) == ""


def test_days_without_a_look_keep_their_room() -> None:
    sizes = [(TODAY - timedelta(days=4), 0), (TODAY - timedelta(days=3), 10), (TODAY, 10)]
    assert spark(sizes) == "0,22 24,2 96,2"


def test_a_line_tells_its_numbers_and_a_sentence() -> None:
    drawn = chart(days(40, 60, 50), TODAY - timedelta(days=30), TODAY, WORDS)
    assert drawn is not None
    assert (drawn.least, drawn.most) == ("40", "60")
    assert drawn.rows[0][1] == "50"
    assert [size for _, size in drawn.rows] == ["50", "60", "40"]
    assert drawn.said == ("From 40 on Mar 29, 2026 to 50 on Mar 31, 2026; between 40 and 60.")
    assert drawn.points == "0,156 320,4 640,80"
    assert drawn.area == "0,160 0,156 320,4 640,80 640,160"
    assert chart(days(40), TODAY, TODAY, WORDS) is None


def population(**more: Any) -> Population:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    given: dict[str, Any] = {
        "id": "gold", "name": "Gold", "rule": {}, "state": "ready", "updated_at": at,
        "built_at": at, "total": 0, "applied": 0, "size": 30, "before": None,
        "long_before": None, "series": (),
    }  # fmt: skip
    return Population(**{**given, **more})


@pytest.mark.parametrize(
    ("before", "said"), [(None, "—"), (20, "+10"), (1030, "\N{MINUS SIGN}1,000"), (30, "±0")]
)
def test_a_change_has_its_sign(before: int | None, said: str) -> None:
    assert figures(population(before=before), 60, WORDS).week == said


def test_a_share_is_of_all_customers() -> None:
    assert figures(population(), 400, WORDS).share == "7.5%"
    assert figures(population(size=0), 0, WORDS).share == "—"


def test_a_build_is_counted_once_everybody_has_been_looked_at() -> None:
    assert progress(population(), WORDS) is None
    looking = progress(population(state="building"), WORDS)
    assert looking is not None
    assert (looking.total, looking.said) == (0, "Looking at everybody…")
    going = progress(population(state="building", total=2000, applied=500), WORDS)
    assert going is not None
    assert (going.done, going.total, going.said) == (500, 2000, "500 of 2,000 customers")


@pytest.mark.parametrize(
    ("on", "starts"),
    [
        ({"segment_entered": "gold"}, True),
        ({"segment_left": "gold"}, True),
        ({"schedule": "0 9 * * 1", "segment": "gold"}, True),
        ({"event": "Segment Entered", "where": {"property": "segment", "eq": "gold"}}, True),
        (
            {"event": "Segment Left", "where": {"any": [{"property": "segment", "eq": "gold"}]}},
            True,
        ),
        ({"event": "Segment Entered", "where": {"property": "segment", "eq": "silver"}}, False),
        ({"event": "Order Completed", "where": {"property": "segment", "eq": "gold"}}, False),
        ({"event": "Order Completed", "where": {"segment": "gold"}}, False),
        ({"segment_entered": "silver"}, False),
        ({"api": True}, False),
    ],
)
def test_which_journeys_start_from_a_segment(on: dict[str, Any], starts: bool) -> None:
    assert begins({"entry": {"on": on}}, "gold") is starts


def test_where_a_segment_is_used() -> None:
    branch = {"type": "branch", "arms": [{"id": "a", "if": {"not": {"segment": "gold"}}}]}
    readers = [
        Reader("asks", "Asks", "live", {"entry": {"on": {"api": True}}, "steps": [branch]}),
        Reader("starts", "Starts", "draft", {"entry": {"on": {"segment_entered": "gold"}}}),
        Reader("writes", "Writes", "live", {"steps": [{"body": {"segment": "gold", "n": 1}}]}),
        Reader("odd", "Odd", "live", {"entry": None}),
    ]
    rules = {"outer": {"all": [{"segment": "gold"}, {"reachable": "sms"}]},
             "gold": {"trait": "tier", "eq": "gold"}}  # fmt: skip
    segments = {
        id: Segment.model_validate({"id": id, "name": id.title(), "rule": rule})
        for id, rule in rules.items()
    }
    found = uses("gold", readers, segments, WORDS)
    assert [(one.id, one.begins, one.published) for one in found.journeys] == [
        ("asks", False, True),
        ("starts", True, False),
    ]
    assert [one.id for one in found.segments] == ["outer"]
    assert found.beginning == []
    assert row(population(), 60, "", found, WORDS).used == "Asks, Starts, and Outer"
    assert not uses("silver", readers, segments, WORDS)
