"""The condition builder's routes: what it says meanwhile, and mistakes at their fields."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from designer.canvas.forms.conditions import group_of
from designer.login import permits
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.store import documents
from engine.store.session import Database
from tests.unit.test_step_forms import flat

GOLD = {"trait": "tier", "eq": "gold"}
MUCH = {"event": "Order Completed", "sum": "total", "gte": 500}


@pytest.fixture
def database(shop_url: str) -> Iterator[Database]:
    opened = Database(shop_url)
    yield opened
    opened.close()


@pytest.fixture
def journey(database: Database) -> Iterator[str]:
    steps = [
        {"id": "crm", "type": "webhook", "url": "https://crm.example.com", "keep": {"points": "p"}},
        {"id": "which", "type": "branch", "arms": [{"id": "gold", "if": GOLD}]},
        {"id": "again", "type": "repeat", "times": 2, "steps": [{"id": "w", "type": "wait", "for": "1d"}]},
        {"id": "order", "type": "wait_for", "timeout": "1d",
         "events": [{"on": {"event": "Order Completed"}}]},
    ]  # fmt: skip
    entry = {"on": {"event": "Product Added"}}
    document = {"id": "built", "name": "Built", "entry": entry, "steps": steps}
    drafting.create(database, document, actor=COMMAND_LINE)
    yield "built"
    database.transact(lambda connection: documents.delete_draft(connection, "built"))


class Builder:
    """Somebody with the panel of a step open."""

    def __init__(self, client: Any, journey: str, step: str) -> None:
        self.client, self.step, self.address = client, step, f"/journeys/{journey}"
        page = client.get(f"{self.address}?show=draft&step={step}").text
        token = re.search(r'X-CSRF-Token": "([^"]+)"', page.replace("&#34;", '"'))
        rev = re.search(r'name="rev" value="(\d+)"', page)
        assert token is not None
        assert rev is not None
        self.page, self.rev = page, rev[1]
        self.headers = {"HX-Request": "true", "X-CSRF-Token": token[1]}

    def send(self, what: str, raw: dict[str, Any], at: str = "") -> Any:
        data: dict[str, Any] = {"chosen": self.step, "rev": self.rev, "name": "A"}
        data |= dict(flat(raw))
        query = f"?at={at}" if at else ""
        return self.client.post(f"{self.address}/{what}{query}", data=data, headers=self.headers)

    def says(self, raw: dict[str, Any], at: str) -> str:
        answer = self.send("condition", raw, at)
        assert answer.status_code == 200
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def arm(group: dict[str, Any]) -> dict[str, Any]:
    return {"arms": [{"was": "0", "id": "gold", "if": group}]}


def customers(database: Database) -> int:
    with database.read() as connection:
        statement = text("SELECT count(*) FROM customer WHERE merged_into IS NULL")
        return int(connection.execute(statement).scalar_one())


def test_a_builder_says_what_it_says_and_of_how_many(
    visitor: Any, database: Database, journey: str
) -> None:
    builder = Builder(visitor, journey, "which")
    everybody = customers(database)
    said = builder.says(arm(group_of({"all": [GOLD, MUCH]})), "arms.0.if")
    assert said.startswith(
        "Tier is gold and the sum of total over all “Order Completed” is at least 500. Now: "
    )
    known = builder.says(arm(group_of({"trait": "nothing", "exists": False})), "arms.0.if")
    assert f"Now: {everybody} of {everybody} customers (100%)" in known
    nobody = builder.says(arm(group_of({"trait": "nothing", "exists": True})), "arms.0.if")
    assert f"Now: 0 of {everybody} customers (0%)" in nobody


def test_what_is_half_filled_is_no_mistake(visitor: Any, journey: str) -> None:
    builder = Builder(visitor, journey, "which")
    group = group_of({"all": [GOLD, MUCH]})
    group["rows"][1]["of"] = ""
    assert builder.says(arm(group), "arms.0.if") == "Tier is gold. … not complete yet"
    group["rows"].pop(0)
    assert builder.says(arm(group), "arms.0.if") == "… not complete yet"
    group["rows"] = [{"kind": "written", "text": "{"}]
    assert builder.says(arm(group), "arms.0.if") == "… not complete yet"


@pytest.mark.parametrize(
    "condition",
    [
        {"property": "total", "gte": 30},
        {"step": "crm", "is": "done"},
        {"result": {"step": "crm", "name": "points"}, "gte": 100},
    ],
)
def test_what_only_the_journey_knows_cannot_be_counted(
    visitor: Any, journey: str, condition: dict[str, Any]
) -> None:
    said = Builder(visitor, journey, "which").says(arm(group_of(condition)), "arms.0.if")
    assert said.endswith(
        "How many customers these are cannot be known beforehand: it asks for what happens in the "
        "journey."
    )


def test_every_builder_of_the_journey_can_be_asked(visitor: Any, journey: str) -> None:
    total = group_of({"property": "total", "gte": 30})
    order = {"event": "Order Completed", "where": total}
    entry = {
        "kind": "event",
        "on": {"event": "Product Added", "where": total},
        "if": group_of(GOLD),
    }
    form = {"entry": entry, "goal": order, "exits": [order]}
    builder = Builder(visitor, journey, "")
    assert "Now:" in builder.says(form, "entry.if")
    for at, event in (("entry.on", "Product Added"), ("goal", "Order Completed"),
                      ("exits.0", "Order Completed")):  # fmt: skip
        said = builder.says(form, f"{at}.where")
        assert said == f"“{event}” counts only when total is at least 30."
    waits = Builder(visitor, journey, "order")
    assert "at least 30" in waits.says({"events": [{**order, "was": "0"}]}, "events.0.where")
    again = Builder(visitor, journey, "again")
    assert "Now:" in again.says({"times": "2", "until": group_of(GOLD)}, "until")
    assert builder.send("condition", form, "entry.nowhere").status_code == 422


def test_who_may_read_no_customers_sees_no_count(
    visitor: Any, journey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Builder(visitor, journey, "which")
    less = {role: found - {"read customers"} for role, found in permits.PERMITTED.items()}
    monkeypatch.setattr(permits, "PERMITTED", less)
    assert builder.says(arm(group_of(GOLD)), "arms.0.if") == "Tier is gold."


def fault(page: str, name: str) -> str:
    """Return what is said at a field that is marked."""
    marked = re.search(rf'name="{re.escape(name)}"[^>]*aria-describedby="([^"]+)"', page)
    assert marked is not None, name
    told = re.search(rf'<div[^>]* id="{re.escape(marked[1])}">(.*?)</div>|<div id="{re.escape(marked[1])}">(.*?)</div>', page, re.DOTALL)  # fmt: skip
    assert told is not None, name
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", told[1] or told[2])).split())


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        ({"kind": "trait", "trait": "", "tests": [{"op": "eq", "value": "gold"}]},
         "trait", "Choose or write what this is about."),
        ({"kind": "trait", "trait": "tier", "tests": [{"op": "eq", "value": ""}]},
         "tests.0.value", "Say what to compare with."),
        ({"kind": "trait", "trait": "born", "tests": [{"op": "before", "value": "soon"}]},
         "tests.0.value", "write a date like 2026-01-31, or an instant like 2026-01-31T10:00:00Z"),
        ({"kind": "trait", "trait": "seen", "tests": [{"op": "older_than", "span": {"n": "x", "unit": "d"}}]},
         "tests.0.span.n", "Say how long, as a whole number."),
        ({"kind": "value", "made": "avg", "of": "", "event": "Order Completed",
          "tests": [{"op": "gt", "value": "1"}]}, "of", "Choose or write what this is about."),
        ({"kind": "event", "event": "Order Completed", "counts": [{"op": "gte", "n": "1"}, {"op": "gte", "n": "2"}]},
         "counts.1.n", "The same comparison stands above: put the two into a group."),
        ({"kind": "event", "event": "Order Completed", "counts": [{"op": "gte", "n": "two"}]},
         "counts.0.n", "write a whole number"),
        ({"kind": "event", "event": "Order Completed", "span": {"n": "soon", "unit": "d"}},
         "span.n", None),
        ({"kind": "result", "step": "crm", "name": "", "tests": [{"op": "eq", "value": "1"}]},
         "name", "Choose or write what this is about."),
        ({"kind": "anniversary", "anniversary": "born", "span": {"n": "", "unit": "d"}},
         "span.n", None),
    ],
)  # fmt: skip
def test_a_mistake_is_said_at_its_field_and_nothing_typed_is_lost(
    visitor: Any, journey: str, row: dict[str, Any], field: str, said: str | None
) -> None:
    builder = Builder(visitor, journey, "which")
    other = group_of(MUCH)["rows"][0]
    answer = builder.send("settings", arm({"join": "any", "rows": [other, row]}))
    assert answer.status_code == 422
    told = fault(answer.text, f"arms.0.if.rows.1.{field}")
    assert told == said if said is not None else told
    shown = dict(flat({"arms": [{"if": {"rows": [other, row]}}]}))
    for name, value in shown.items():
        if (
            value
            and ".kind" not in name
            and not name.endswith(("unit", "side", "op", "made", "step", "join"))
        ):
            typed = rf'name="{re.escape(name)}"[^>]* value="{re.escape(value)}"'
            assert re.search(typed, unescape(answer.text)), name


def test_a_way_without_a_condition_asks_for_one(visitor: Any, journey: str) -> None:
    answer = Builder(visitor, journey, "which").send("settings", arm({"join": "all", "rows": []}))
    assert answer.status_code == 422
    assert "Say for whom this way is: add a condition." in answer.text


def test_a_condition_of_rows_is_saved(visitor: Any, database: Database, journey: str) -> None:
    older = {"trait": "seen_at", "older_than": {"trait": "usual_gap", "times": 1.5}}
    wanted = {
        "any": [MUCH, older, {"result": {"step": "crm", "name": "points"}, "gte": 100},
                {"not": {"anniversary": "birth_date", "within": "7d"}}]
    }  # fmt: skip
    builder = Builder(visitor, journey, "which")
    assert builder.send("settings", arm(group_of(wanted))).status_code == 200
    with database.read() as connection:
        draft = documents.journey(connection, journey).draft
    assert draft["steps"][1]["arms"][0]["if"] == wanted
    page = Builder(visitor, journey, "which").page
    assert 'name="arms.0.if.rows.1.tests.0.trait" value="usual_gap"' in page
    assert "As written in the document" not in page
