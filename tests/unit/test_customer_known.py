"""What a customer's page says of what is known of her."""

from datetime import UTC, datetime
from typing import Any

from designer.canvas.sentences import Sentences
from designer.customers.known import Standing, Trait, scores, traits
from designer.customers.sections import sections
from designer.words import Words
from engine.model.trait import Score, TraitDocument

WORDS = Words()
AT = datetime(2026, 3, 1, tzinfo=UTC)
HEAT = Score.model_validate({
    "id": "heat", "name": "Interest", "half_life": "30d",
    "rules": [{"event": "Product Viewed", "points": 5}],
    "thresholds": [{"at": 100, "name": "Hot"}, {"at": 20, "name": "Warm"}],
})  # fmt: skip
ORDERS = TraitDocument.read(
    {"id": "orders_1y", "name": "Orders in a year", "event": "Order Completed", "take": "count"}
)


def customer(**derived: Any) -> dict[str, Any]:
    told = {"first_name": "Anna", "tier": "gold", "birth_date": "1990-05-17", "mail": "a@b.example"}
    known = {id: value for id, value in derived.items() if id == HEAT.id}
    return {
        "traits": told, "derived": derived, "scores": known, "addresses": {"mail": "a@b.example"},
    }  # fmt: skip


def test_what_was_told_and_what_is_computed_stand_apart() -> None:
    found = traits(
        customer(orders_1y=7, heat=30, lost=1), {"tier": (AT, "till")}, {"orders_1y": ORDERS}, WORDS
    )
    assert found.told == [Trait("birth date", "May 17, 1990"), Trait("tier", "gold", AT, "till")]
    assert found.computed == [Trait("lost", "1"), Trait("Orders in a year", "7")]
    assert found.count == 4


def test_a_score_tells_the_threshold_reached_and_the_next() -> None:
    say = Sentences(WORDS).duration

    def told(value: int) -> list[Standing]:
        return scores(customer(heat=value), {"heat": HEAT}, say, WORDS)

    fades = "fades by half every 30 days"
    assert told(10) == [Standing("Interest", "10", "", "Warm from 20 on", fades)]
    assert told(20) == [Standing("Interest", "20", "Warm", "Hot from 100 on", fades)]
    assert told(1000) == [Standing("Interest", "1,000", "Hot", "", fades)]
    assert scores(customer(heat=1), {}, say, WORDS) == []


def test_parts_that_are_rare_are_left_out_when_empty() -> None:
    without = [one.key for one in sections({"segments": 0, "scores": 0}, WORDS)]
    counted = {one.key: one.count for one in sections({"segments": 0, "scores": 2}, WORDS)}
    assert "scores" not in without
    assert counted["scores"] == "2"
    assert counted["segments"] == "0"
    assert counted["timeline"] == ""
