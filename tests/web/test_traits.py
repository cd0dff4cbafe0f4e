"""The pages of computed traits and scores."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine.flow import computing, freezing
from engine.flow.intake import Incoming, receive
from engine.settings import Settings
from engine.store import definitions
from engine.store.session import Database

TRAIT = {
    "id": "spent",
    "name": "Spent in shoes",
    "event": "Order Completed",
    "take": "sum",
    "of": "total",
    "within": "2",
    "unit": "y",
    "property": ["category", "total", ""],
    "operator": ["eq", "gte", "eq"],
    "value": ["shoes", "10", ""],
}
SCORE = {
    "id": "heat",
    "name": "Heat",
    "event": ["Order Completed", "Product Viewed", ""],
    "points": ["50", "1", ""],
    "where": ["", "", ""],
    "half_life": "30",
    "floor": "0",
    "ceiling": "",
    "at": ["50", ""],
    "level": ["Warm", ""],
}


@pytest.fixture
def database(shop_settings: Settings) -> Any:
    opened = Database(shop_settings.database_url)
    yield opened
    opened.close()


def post(visitor: TestClient, path: str, **fields: Any) -> Any:
    page = visitor.get("/traits").text
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return visitor.post(path, data={"csrf": found[1], **fields})


def build(database: Database) -> None:
    for _ in range(2):
        while computing.carry_on(database):
            pass
        freezing.freeze_due(database)


def test_a_trait_of_events_is_written_as_a_form_and_said_as_a_sentence(
    visitor: TestClient, database: Database
) -> None:
    assert post(visitor, "/traits/new", **TRAIT).headers["location"] == "/traits/spent"
    with database.read() as connection:
        document = definitions.traits(connection)["spent"].document()
    assert document["where"] == {
        "all": [{"property": "category", "eq": "shoes"}, {"property": "total", "gte": 10}]
    }
    page = visitor.get("/traits/spent").text
    assert "The sum of total over every Order Completed where" in page
    assert "within 2 years" in page
    assert 'value="shoes"' in page
    assert "being computed for everybody" in page
    assert (
        post(visitor, "/traits/spent", **{**TRAIT, "within": "", "property": []}).status_code == 303
    )
    with database.read() as connection:
        assert "where" not in definitions.traits(connection)["spent"].document()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"of": ""}, "say which property"),
        ({"id": "my trait"}, "letters, digits and _"),
        ({"name": ""}, "this must not be empty"),
        ({"within": "soon"}, "is no duration"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    visitor: TestClient, more: dict[str, Any], told: str
) -> None:
    answer = post(visitor, "/traits/new", **{**TRAIT, "id": "wrong", **more})
    assert answer.status_code == 422
    assert told in answer.text


def test_an_id_is_taken_once(visitor: TestClient) -> None:
    post(visitor, "/scores/new", **SCORE)
    answer = post(visitor, "/traits/new", **{**TRAIT, "id": "heat"})
    assert answer.status_code == 409
    assert "with this id already" in answer.text


def test_a_score_has_rules_and_thresholds(visitor: TestClient, database: Database) -> None:
    post(visitor, "/scores/new", **SCORE)
    page = visitor.get("/scores/heat").text
    assert "+50 for Order Completed, +1 for Product Viewed; halves every 30 days" in page
    assert post(visitor, "/scores/heat", **{**SCORE, "half_life": "x"}).status_code == 422
    receive(database, [Incoming(source="t", message_id="1", kind="track", name="Order Completed",
                                user_id="ada", properties={"total": 5})])  # fmt: skip
    build(database)
    assert "customers have it" in visitor.get("/scores/heat").text


def test_the_usual_ones_can_be_taken_and_are_computed(
    visitor: TestClient, database: Database
) -> None:
    post(visitor, "/traits/rfm/delete")
    assert visitor.get("/traits/rfm").status_code == 404
    assert post(visitor, "/traits/ready").headers["location"] == "/traits"
    assert 'hx-trigger="every 3s"' in visitor.get("/traits").text
    build(database)
    assert 'hx-trigger="every 3s"' not in visitor.get("/traits").text
    part = visitor.get("/traits/monetary_quintile").text
    assert "In which of 5 equal parts of all customers by “Spent in all”: 5 is the highest" in part
    assert "5 begins at" in part
    assert "This condition was written by a program" in visitor.get("/traits/spend_total").text
    assert post(visitor, "/traits/spend_total", **_same(visitor)).status_code == 303
    with database.read() as connection:
        document = definitions.traits(connection)["spend_total"].document()
    assert (document["name"], "any" in document["where"]) == ("All", True)
    assert "recency_quintile" in visitor.get("/traits/rfm").text


@pytest.mark.parametrize(
    "path", ["/traits/new", "/traits/new?kind=place", "/traits/new?kind=joined", "/scores/new"]
)
def test_a_form_begins_empty(visitor: TestClient, path: str) -> None:
    assert visitor.get(path).status_code == 200


def _same(visitor: TestClient) -> dict[str, str]:
    """Return the fields of a form as a browser sends them back."""
    page = visitor.get("/traits/spend_total").text
    kept = re.search(r'name="kept" value="([^"]+)"', page)
    assert kept
    where = kept[1].replace("&#34;", '"')
    return {"name": "All", "event": "Order Completed", "take": "sum", "of": "total", "within": "",
            "unit": "d", "kept": where}  # fmt: skip


def test_parts_and_joined_traits_have_forms_of_their_own(visitor: TestClient) -> None:
    post(visitor, "/scores/new", **SCORE)
    made = post(visitor, "/traits/new?kind=place", id="part", name="Part", of="heat", parts="4")
    assert made.headers["location"] == "/traits/part"
    made = post(
        visitor, "/traits/new?kind=joined", id="both", name="Both", join=["part", "heat", ""]
    )
    assert made.headers["location"] == "/traits/both"
    assert "written one after the other" in visitor.get("/traits/both").text
    wrong = post(visitor, "/traits/new?kind=joined", id="one", name="One", join=["part"])
    assert (wrong.status_code, "at least 2" in wrong.text) == (422, True)


def test_what_is_used_is_not_deleted(visitor: TestClient) -> None:
    post(visitor, "/scores/new", **SCORE)
    post(visitor, "/traits/new?kind=place", id="part", name="Part", of="heat", parts="4")
    answer = post(visitor, "/scores/heat/delete")
    assert (answer.status_code, "uses heat" in answer.text) == (409, True)
    for trait in ("both", "part"):
        post(visitor, f"/traits/{trait}/delete")
    assert post(visitor, "/scores/heat/delete").headers["location"] == "/traits"
    assert visitor.get("/scores/heat").status_code == 404
