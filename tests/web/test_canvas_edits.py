"""Edits of a draft as the page sends them; `PARCOURS_TEST_EDITS=5000` makes so many."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from designer.canvas.forms.steps import raw_of
from designer.canvas.palette import kinds
from engine.compile.known import Known
from engine.compile.validate import check
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.model.document import journey_of
from engine.model.editing import find, lists, walk
from engine.store import documents
from engine.store.session import Database

EDITS = int(os.environ.get("PARCOURS_TEST_EDITS", "150"))
KEPT = 200
"""How many edits can be undone; one more until the next edit forgets it."""
WHATS = ("insert", "insert", "insert", "move", "move", "move", "duplicate", "paste", "delete",
         "save", "save", "stale", "undo", "undo", "redo")  # fmt: skip


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


def written(draft: dict[str, Any]) -> str:
    return json.dumps(draft)


def own(steps: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return by id what each step says of itself, without the steps in it."""
    found = {}
    for step in walk(steps):
        alone = deepcopy(step)
        for _, holder, key in lists(alone):
            holder.pop(key, None)
        assert step["id"] not in found, "an id is a step's own"
        found[step["id"]] = alone
    return found


def sent(raw: Any, name: str = "") -> dict[str, Any]:
    """Return a form's fields as the browser names them."""
    if isinstance(raw, str):
        return {name: raw}
    if isinstance(raw, list) and all(isinstance(one, str) for one in raw):
        return {f"{name}[]": raw}
    of = enumerate(raw) if isinstance(raw, list) else raw.items()
    fields: dict[str, Any] = {}
    for key, value in of:
        fields |= sent(value, f"{name}.{key}" if name else str(key))
    return fields


class Restless:
    """Somebody who edits at random, and knows what has to come of it."""

    def __init__(self, editor: Editor, seed: int) -> None:
        self.editor, self.rng = editor, Random(seed)
        self.drafts = [written(editor.stored.draft)]
        self.at = self.oldest = 0
        self.start = self.file()
        self.counts: Counter[str] = Counter()

    def file(self) -> str:
        """Return the draft as it is downloaded."""
        return str(self.editor.client.get(f"/journeys/{self.editor.journey}/file").text)

    def edit(self) -> None:
        """Do something, and look that nothing else has come of it."""
        before = self.editor.stored.draft
        steps = own(before["steps"])
        what = self.rng.choice(WHATS) if len(steps) < 60 else "delete"
        if not steps and what not in {"undo", "redo"}:
            what = "insert"
        step = self.rng.choice([*steps]) if steps else ""
        answer = self._send(what, step, before)
        after = self.editor.stored.draft
        assert journey_of(after).document() == after
        now = own(after["steps"])
        self.counts[what if answer.status_code == 200 else f"{what} refused"] += 1
        if what in {"undo", "redo"}:
            return self._stands(-1 if what == "undo" else 1, answer.status_code)
        if answer.status_code != 200:
            assert answer.status_code in {409, 422}
            assert after == before, "what is refused changes nothing"
            return None
        assert what != "stale", "an edit of an older draft is refused"
        inside = own([found]) if (found := find(before, step)) else {}
        self._compare(what, step, steps, now, inside)
        if written(after) != self.drafts[self.at]:
            self.oldest = max(self.oldest, self.at - KEPT)
            self.drafts[self.at + 1 :] = [written(after)]
            self.at += 1
        return None

    def _send(self, what: str, step: str, before: dict[str, Any]) -> Any:
        slot = self.rng.choice(slots(before))
        fields = {"type": self.rng.choice([*kinds()]), "slot": slot, "step": step}
        match what:
            case "paste":
                return self.editor.op(what, **{**fields, "from": self.editor.journey})
            case "stale":
                self.editor.rev -= 1
                return self.editor.op("delete", step=step)
            case "save":
                found = find(before, step)
                assert found is not None
                raw = {**raw_of(found), "note": f"Note {self.rng.random()}"}
                return self.editor.save(step, **sent(raw))
            case _:
                return self.editor.op(what, **fields)

    def _compare(self, what: str, step: str, old: Any, new: Any, inside: Any) -> None:
        """Compare the steps before and after: none is lost, and none changed by the way."""
        kept = [id_ for id_ in old if id_ in new]
        if what == "delete":
            assert new.keys() == old.keys() - inside.keys()
            assert kept == [*new], "the others stay in their order"
            assert new.items() <= old.items()
        elif what == "save":
            assert [*new] == [*old]
            assert new[step].pop("note").startswith("Note ")
            old[step].pop("note", None)
            assert new == old
        elif what == "move":
            assert new == old
        else:
            assert kept == [*old]
            assert [id_ for id_ in new if id_ in old] == [*old], "the others stay in their order"
            assert old.items() <= new.items()
            more = len(new) - len(old)
            assert more == len(inside) if what != "insert" else more in {1, 2}

    def _stands(self, by: int, status: int) -> None:
        if status == 200:
            self.at += by
        else:
            assert status == 409
            assert self.at == (self.oldest if by < 0 else len(self.drafts) - 1)
        assert written(self.editor.stored.draft) == self.drafts[self.at], "byte for byte"

    def back_and_forth(self) -> None:
        """Undo all that can be, and redo it."""
        for op, by in (("undo", -1), ("redo", 1)):
            status = 200
            while status == 200:
                status = self.editor.op(op).status_code
                self._stands(by, status)
                if self.at == 0:
                    assert self.file() == self.start


def test_whatever_is_edited_stays_a_journey_and_can_be_undone(
    visitor: Any, database: Database, new_journey: Any
) -> None:
    journey = new_journey({"id": "first", "type": "wait", "for": "1d"})
    restless = Restless(Editor(visitor, database, journey), seed=EDITS)
    for n in range(1, EDITS + 1):
        restless.edit()
        if n % 50 == 0:
            check(journey_of(restless.editor.stored.draft), Known())
        if n in {KEPT, EDITS} or n % 1000 == 0:
            restless.back_and_forth()
    print(EDITS, "edits:", dict(restless.counts))  # noqa: T201 - what a long run did


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
