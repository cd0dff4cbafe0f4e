"""The ways into a journey besides an event of the shop's."""

from collections.abc import Iterator

import pytest

from engine.errors import Conflict
from engine.flow import materials
from engine.flow.internal import happen, in_turn_of_customer
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.store import tables
from engine.store.session import Database
from tests.integration.test_following import REST, Shop

VIP = Segment.model_validate({"id": "vip", "name": "VIP", "rule": {"trait": "tier", "eq": "gold"}})


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """Return a shop with a segment and a customer."""
    made = Shop(Database(database_url, pool_size=2))
    materials.put_segment(made.database, VIP, actor=COMMAND_LINE)
    made.track("Seen")
    yield made
    made.database.close()


def moves(shop: Shop, event: str, segment: str) -> None:
    """Have her come into a segment, or leave it."""
    told = {"segment": segment, "name": segment}
    in_turn_of_customer(
        shop.database, shop.ada.id, lambda turn: happen(turn, event, told, "parcours")
    )


def test_coming_into_a_segment_opens_its_journeys_and_leaving_others(shop: Shop) -> None:
    shop.live("welcome", REST, entry={"on": {"segment_entered": "vip"}})
    shop.live("goodbye", REST, entry={"on": {"segment_left": "vip"}})
    moves(shop, "Segment Entered", "other")
    assert shop.runs() == {}
    moves(shop, "Segment Entered", "vip")
    assert shop.runs() == {"welcome": [("rest", None)]}
    moves(shop, "Segment Left", "vip")
    assert set(shop.runs()) == {"welcome", "goodbye"}
    assert {row.entry_source for row in shop.rows(tables.run)} == {"segment"}
    moves(shop, "Segment Entered", "vip")
    assert shop.refusals() == [("welcome", "running")]


def test_a_segment_that_opens_a_published_journey_is_not_deleted(shop: Shop) -> None:
    shop.live("welcome", REST, entry={"on": {"segment_entered": "vip"}})
    with pytest.raises(Conflict, match="would break the published journey welcome"):
        materials.delete(shop.database, "segment", "vip", actor=COMMAND_LINE)
