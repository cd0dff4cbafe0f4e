"""Edits of a draft as the page sends them; `PARCOURS_TEST_EDITS=5000` makes so many."""

import os
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from designer.canvas.palette import kinds
from engine.compile.known import Known
from engine.compile.validate import check
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.model.document import journey_of
from engine.model.editing import lists, walk
from engine.store import documents
from engine.store.session import Database

EDITS = int(os.environ.get("PARCOURS_TEST_EDITS", "150"))
KEPT = 200


@pytest.fixture
def database(shop_url: str) -> Iterator[Database]:
    opened = Database(shop_url)
    yield opened
    opened.close()


class Editor:
    """Somebody with a journey's canvas open."""

    def __init__(self, client: Any, database: Database, journey: str) -> None:
        self.client, self.database, self.journey = client, database, journey
        self.headers = {"HX-Request": "true", "X-CSRF-Token": self._token()}
        self.rev = self.stored.rev

    def _token(self) -> str:
        page = self.client.get(f"/journeys/{self.journey}?show=draft").text
        found = re.search(r'X-CSRF-Token": "([^"]+)"', page.replace("&#34;", '"'))
        assert found is not None
        return found[1]

    @property
    def stored(self) -> Any:
        with self.database.read() as connection:
            return documents.journey(connection, self.journey)

    def _sent(self, answer: Any) -> Any:
        if found := re.search(r'name="rev" value="(\d+)"', answer.text):
            self.rev = int(found[1])
        return answer

    def op(self, op: str, **fields: str) -> Any:
        data = {"op": op, "rev": self.rev, **fields}
        address = f"/journeys/{self.journey}/ops"
        return self._sent(self.client.post(address, data=data, headers=self.headers))

    def save(self, step: str, **fields: str) -> Any:
        data = {"chosen": step, "rev": self.rev, **fields}
        address = f"/journeys/{self.journey}/settings"
        return self._sent(self.client.post(address, data=data, headers=self.headers))


@pytest.fixture
def new_journey(database: Database) -> Iterator[Any]:
    made: list[str] = []

    def make(*steps: dict[str, Any]) -> str:
        id_ = f"edited-{len(made)}"
        made.append(id_)
        entry = {"on": {"event": "Product Added"}}
        drafting.create(
            database,
            {"id": id_, "name": "Edited", "entry": entry, "topic": "offers", "steps": [*steps]},
            actor=COMMAND_LINE,
        )
        return id_

    yield make
    for id_ in made:
        database.transact(lambda connection, id_=id_: documents.delete_draft(connection, id_))


def slots(draft: dict[str, Any]) -> list[str]:
    found = [":", *(f":{step['id']}" for step in draft["steps"])]
    for step in walk(draft["steps"]):
        for name, holder, key in lists(step):
            here = f"{step['id']}/{name}:"
            found += [here, *(here + one["id"] for one in holder.get(key) or [])]
    return found


def test_whatever_is_edited_stays_a_journey_and_can_be_undone(
    visitor: Any, database: Database, new_journey: Any
) -> None:
    rng = Random(EDITS)
    editor = Editor(visitor, database, new_journey({"id": "first", "type": "wait", "for": "1d"}))
    start = editor.stored.draft
    for n in range(EDITS):
        before = editor.stored.draft
        steps = [step["id"] for step in walk(before["steps"])]
        what = rng.choice(
            ["insert", "insert", "move", "move", "duplicate", "delete", "undo", "redo"]
        )
        if len(steps) > 60:
            what = "delete"
        if what in {"move", "duplicate", "delete"} and not steps:
            what = "insert"
        fields = {"type": rng.choice([*kinds()]), "slot": rng.choice(slots(before))}
        answer = editor.op(what, step=rng.choice(steps) if steps else "", **fields)
        after = editor.stored.draft
        journey_of(after)
        now = [step["id"] for step in walk(after["steps"])]
        assert len(now) == len(set(now))
        if answer.status_code != 200:
            assert answer.status_code in {409, 422}
            assert after == before, "what is refused changes nothing"
        elif what in {"insert", "duplicate"}:
            assert set(now) > set(steps)
        elif what == "move":
            assert sorted(now) == sorted(steps)
        if n % 50 == 0:
            check(journey_of(after), Known())
    while editor.op("undo").status_code == 200:
        pass
    if EDITS <= KEPT:
        assert editor.stored.draft == start
    while editor.op("redo").status_code == 200:
        pass
    journey_of(editor.stored.draft)


def test_undoing_goes_back_to_the_start_and_again_to_the_end(
    visitor: Any, database: Database, new_journey: Any
) -> None:
    editor = Editor(visitor, database, new_journey())
    start = editor.stored
    for kind in ("email", "wait", "branch"):
        assert editor.op("insert", type=kind, slot=":").status_code == 200
    assert (
        editor.save(
            "wait", name="Cool off", mode="for", **{"for.n": "2", "for.unit": "h"}
        ).status_code
        == 200
    )
    assert (
        editor.save(
            "", name="Renamed", **{"entry.kind": "event", "entry.on.event": "Ping"}
        ).status_code
        == 200
    )
    end = editor.stored.draft
    assert end["name"] == "Renamed"
    assert "Undone: change Cool off" not in editor.op("undo").text
    assert "Undone: change Cool off" in editor.op("undo").text
    for _ in range(3):
        assert editor.op("undo").status_code == 200
    assert editor.stored.draft == start.draft
    assert editor.stored.rev > start.rev
    assert editor.op("undo").status_code == 409
    for _ in range(5):
        assert editor.op("redo").status_code == 200
    assert editor.stored.draft == end
    assert editor.op("redo").status_code == 409


def test_two_editors_lose_nothing(visitor: Any, database: Database, new_journey: Any) -> None:
    journey = new_journey({"id": "first", "type": "wait", "for": "1d"})
    hers, his = Editor(visitor, database, journey), Editor(visitor, database, journey)
    assert hers.op("insert", type="email", slot=":first").status_code == 200
    late = his.op("delete", step="first")
    assert late.status_code == 409
    assert 'id="s-email"' in late.text, "he sees what she has made"
    assert "Somebody else" in late.text
    assert [step["id"] for step in his.stored.draft["steps"]] == ["first", "email"]
    assert his.op("delete", step="first").status_code == 200
    assert hers.save("first", mode="for", **{"for.n": "3", "for.unit": "d"}).status_code == 409
    gone = hers.save("first", mode="for", **{"for.n": "3", "for.unit": "d"})
    assert gone.status_code == 409
    assert "gone" in gone.text


def test_a_mistake_comes_back_at_its_field(
    visitor: Any, database: Database, new_journey: Any
) -> None:
    editor = Editor(visitor, database, new_journey({"id": "first", "type": "wait", "for": "1d"}))
    answer = editor.save("first", mode="for", name="Mine", **{"for.n": "soon", "for.unit": "d"})
    assert answer.status_code == 422
    assert 'value="Mine"' in answer.text, "what was typed is still there"
    field = answer.text.index('name="for.n"')
    assert answer.text.index("small wrong") > field
    assert editor.stored.draft["steps"][0]["for"] == "1d"


def test_what_is_wrong_is_said_in_the_readers_language(
    visitor: Any, database: Database, new_journey: Any
) -> None:
    editor = Editor(visitor, database, new_journey({"id": "hold", "type": "wait", "for": "1h"}))
    editor.headers["Accept-Language"] = "fr"
    answer = editor.op("insert", type="email", slot=":hold")
    assert "choisissez un modèle" in answer.text
    refused = editor.save("hold", mode="for", **{"for.n": "soon", "for.unit": "d"})
    assert refused.status_code == 422
    assert "pas une durée" in refused.text
    into = editor.op("move", step="hold", slot="hold/else:")
    assert into.status_code in {409, 422}
    assert "étape" in into.text[into.text.index('id="said"') :][:200]


def test_a_way_with_steps_is_not_dropped_with_its_form(
    visitor: Any, database: Database, new_journey: Any
) -> None:
    arms = [
        {"id": "a", "weight": 50, "then": [{"id": "in", "type": "wait", "for": "1d"}]},
        {"id": "b", "weight": 50},
    ]
    editor = Editor(visitor, database, new_journey({"id": "ab", "type": "split", "arms": arms}))
    fields = {"arms.0.id": "b", "arms.0.was": "1", "arms.0.weight": "50",
              "arms.1.id": "", "arms.1.weight": "50"}  # fmt: skip
    answer = editor.save("ab", **fields)
    assert answer.status_code == 422
    assert "still has steps" in answer.text
    fields |= {"arms.1.id": "a", "arms.1.was": "0", "arms.0.weight": "20"}
    assert "add up to 70" in editor.save("ab", **fields).text
    assert editor.save("ab", **{**fields, "arms.1.weight": "80"}).status_code == 200
    new = editor.stored.draft["steps"][0]["arms"]
    assert [(arm["id"], arm["weight"], len(arm.get("then", []))) for arm in new] == [
        ("b", 20, 0),
        ("a", 80, 1),
    ]


def test_a_journey_begins_from_an_empty_page(visitor: Any, database: Database) -> None:
    page = visitor.get("/new").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    wrong = visitor.post("/new", data={"csrf": csrf[1], "name": "", "event": ""})
    assert wrong.status_code == 422
    assert "Give it a name" in wrong.text
    made = visitor.post("/new", data={"csrf": csrf[1], "name": "Fête d'été", "event": "Ping"})
    assert made.headers["location"] == "/journeys/fete-d-ete?show=draft"
    again = visitor.post("/new", data={"csrf": csrf[1], "name": "Fête d'été", "event": "Ping"})
    assert again.headers["location"] == "/journeys/fete-d-ete-2?show=draft"
    taken = visitor.post("/new/library/second-purchase", data={"csrf": csrf[1]})
    assert taken.status_code == 303
    with database.read() as connection:
        assert "second-purchase-thanks" in documents.templates(connection)
    for id_ in (
        "fete-d-ete",
        "fete-d-ete-2",
        taken.headers["location"].split("/")[2].split("?")[0],
    ):
        database.transact(lambda connection, id_=id_: documents.delete_draft(connection, id_))
