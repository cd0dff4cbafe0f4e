"""A new journey from the library: what it brings along, and what it leaves alone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

import journeys
from engine.flow import materials, publish
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.store import documents
from engine.store.session import Database

FRENCH = {"Accept-Language": "fr-CH"}
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def database(shop_url: str) -> Iterator[Database]:
    opened = Database(shop_url)
    yield opened
    opened.close()


@pytest.fixture
def csrf(visitor: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', visitor.get("/new").text)
    assert found is not None
    return found[1]


def take(visitor: Any, csrf: str, ready: str, headers: dict[str, str]) -> str:
    """Take a journey of the library; return the id that it got."""
    taken = visitor.post(f"/new/library/{ready}", data={"csrf": csrf}, headers=headers)
    assert taken.status_code == 303
    id_ = re.fullmatch(r"/journeys/([^?]+)\?show=draft", taken.headers["location"])
    assert id_ is not None
    return id_[1]


def forget(database: Database, journey: str, segment: str) -> None:
    database.transact(lambda connection: documents.delete_draft(connection, journey))
    materials.delete(database, "segment", segment, actor=COMMAND_LINE)


def test_the_library_says_which_segments_come_with_a_journey(visitor: Any) -> None:
    sentence = "It asks for the segment “Dormant”, which comes with it."
    listed = visitor.get("/new", headers=ENGLISH).text
    assert listed.count(sentence) == 1
    assert "On coming into “Dormant”" in listed
    assert sentence in visitor.get("/new/library/win-back", headers=ENGLISH).text
    vip = visitor.get("/new/library/vip", headers=ENGLISH).text
    assert "It has this computed of each customer: “Spent within a year”." in vip
    assert "asks for the segment" not in visitor.get("/new/library/welcome", headers=ENGLISH).text


def test_a_journey_brings_its_segment_named_in_the_readers_language(
    visitor: Any, csrf: str, database: Database
) -> None:
    id_ = take(visitor, csrf, "win-back", FRENCH)
    with database.read() as connection:
        dormant = documents.segments(connection)["dormant"]
    assert (dormant.name, dormant.rule) == ("Endormis", journeys.segments()["dormant"].rule)
    assert publish.publish(database, id_, actor=COMMAND_LINE) == 1
    publish.pause(database, id_, actor=COMMAND_LINE)


def test_a_ready_journey_speaks_the_readers_language(
    visitor: Any, csrf: str, database: Database
) -> None:
    assert "Rappelle un panier abandonné" in visitor.get("/new", headers=FRENCH).text
    assert (
        "«\N{NO-BREAK SPACE}Dépensé en un an\N{NO-BREAK SPACE}»"
        in visitor.get("/new/library/vip", headers=FRENCH).text
    )
    id_ = take(visitor, csrf, "abandoned-cart", FRENCH)
    written = visitor.get(f"/journeys/{id_}/document").text
    database.transact(lambda connection: documents.delete_draft(connection, id_))
    assert "name: Panier abandonné" in written
    assert "Rappelle un panier abandonné" in written


def test_a_segment_that_exists_stays_as_it_is(visitor: Any, csrf: str, database: Database) -> None:
    mine = Segment.model_validate(
        {"id": "unresponsive", "name": "Mine", "rule": {"trait": "quiet", "eq": True}}
    )
    materials.put_segment(database, mine, actor=COMMAND_LINE)
    id_ = take(visitor, csrf, "sunset", ENGLISH)
    with database.read() as connection:
        assert documents.segments(connection)["unresponsive"] == mine
    forget(database, id_, "unresponsive")
