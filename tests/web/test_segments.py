"""The pages of segments: the list, the builder, one's page, its export and its end."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text, update

import journeys as library
from designer.canvas.forms.conditions import group_of
from engine.compile.segments import segment_faults
from engine.flow import drafting, materials
from engine.flow.publish import publish
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.store import documents, tables
from engine.store.session import Database
from tests.unit.test_step_forms import flat

GOLD = {"trait": "tier", "eq": "gold"}


@pytest.fixture
def database(shop_url: str) -> Iterator[Database]:
    opened = Database(shop_url)
    yield opened
    opened.close()


def plain(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


class Editor:
    """Somebody at the builder of a segment."""

    def __init__(self, client: Any, address: str) -> None:
        self.client, self.address = client, address
        self.page = client.get(address).text
        token = re.search(r'name="csrf" value="([^"]+)"', self.page)
        rev = re.search(r'name="rev" value="([^"]+)"', self.page)
        own = re.search(r'name="own" value="([^"]*)"', self.page)
        assert token
        assert rev
        assert own
        self.sent = {"csrf": token[1], "rev": rev[1], "own": own[1], "chosen": ""}

    def rows(self, name: str, rule: dict[str, Any] | None, where: str = "", **more: str) -> Any:
        raw = {"name": name, "rule": group_of(rule)}
        return self.client.post(
            where or self.address, data={**self.sent, **dict(flat(raw)), **more}
        )

    def file(self, written: str, where: str = "") -> Any:
        return self.client.post(where or self.address, data={**self.sent, "text": written})


@pytest.fixture
def made(database: Database) -> Iterator[list[str]]:
    """The ids of segments to delete in the end, the last first."""
    ids: list[str] = []
    yield ids
    for id_ in reversed(ids):
        materials.delete(database, "segment", id_, actor=COMMAND_LINE)


def put(database: Database, made: list[str], id_: str, rule: dict[str, Any]) -> None:
    segment = Segment.model_validate({"id": id_, "name": id_.title(), "rule": rule})
    materials.put_segment(database, segment, actor=COMMAND_LINE)
    made.append(id_)


def stored(database: Database, id_: str) -> dict[str, Any]:
    with database.read() as connection:
        return documents.get(connection, "segment", id_)


# The list


def test_the_list_tells_size_share_change_and_use(visitor: Any) -> None:
    page = visitor.get("/segments").text
    gold = page[page.index('href="/segments/gold"') : page.index('href="/segments/gold-baskets"')]
    size = int(re.search(r'data-label="Size">(\d+)<', gold)[1])  # type: ignore[index]
    assert size > 0
    assert f'data-label="Share">{round(1000 * size / 60) / 10}%' in gold
    assert "Tier is gold." in gold
    assert "<polyline" in gold
    assert "Gold members who left a basket" in gold
    assert "Ready" in gold
    vip = page[page.index('href="/segments/vip"') :]
    assert "Welcome and second purchase" in vip


def test_the_list_is_searched_and_sorted_by_its_address(visitor: Any) -> None:
    def listed(query: str) -> list[str]:
        page = visitor.get(f"/segments?{query}").text
        return re.findall(r'class="name" href="/segments/([\w-]+)"', page)

    assert listed("q=gold") == ["gold", "gold-baskets"]
    assert listed("q=no+such") == []
    by_size = listed("sort=size")
    assert by_size[0] == "by-phone"
    assert by_size[-1] == "vip"
    assert listed("sort=nonsense") == listed("")


def test_an_empty_list_leads_to_the_examples(
    visitor: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("designer.segments.routes.documents.segments", lambda _connection: {})
    page = visitor.get("/segments").text
    assert "No segment yet" in page
    assert 'href="/segments/new"' in page


def test_a_build_shows_how_far_it_is(visitor: Any, database: Database) -> None:
    def state(**values: Any) -> None:
        table = tables.segment
        database.transact(
            lambda c: c.execute(update(table).where(table.c.id == "gold").values(**values))
        )

    state(state="building", total=200, applied=50)
    try:
        page = visitor.get("/segments/gold").text
        assert '<progress max="200" value="50"' in page
        assert "50 of 200 customers" in page
        assert 'hx-trigger="every 2s"' in page
        listed = visitor.get("/segments").text
        assert "50 of 200 customers" in listed
        assert 'hx-trigger="every 3s"' in listed
        state(total=0, applied=0)
        assert "Looking at everybody…" in visitor.get("/segments/gold").text
    finally:
        state(state="ready")
    assert "every 2s" not in visitor.get("/segments/gold").text


# The builder


@pytest.mark.parametrize(("language", "french"), [("en", False), ("fr-CH", True)])
def test_each_ready_segment_is_an_example_and_fills_the_builder(
    visitor: Any, language: str, french: bool
) -> None:
    headers = {"Accept-Language": language}
    listed = unescape(visitor.get("/segments/new", headers=headers).text)
    for one in library.segments().values():
        name = one.names["fr"] if french else one.name
        assert f"<b>{name}</b>" in listed
        assert (one.descriptions["fr"] if french else one.description) in listed
        assert segment_faults(one.taken("en"), {}) == []
        page = visitor.get(f"/segments/new?like={one.id}", headers=headers).text
        assert f'name="name" type="text" value="{name}"' in unescape(page), one.id
        assert "As written in the document" not in page, one.id
        assert "data-unsaved" in page
    assert visitor.get("/segments/new?like=nothing").status_code == 200


def test_what_only_a_journey_knows_is_not_offered(visitor: Any) -> None:
    page = visitor.get("/segments/new").text
    offered = set(re.findall(r'<option value="(\w+)"', page))
    assert {"trait", "event", "value", "anniversary", "segment", "group"} <= offered
    assert not {"step", "result", "property"} & offered
    within = visitor.get("/segments/new?like=promo-hunters").text
    offered = set(re.findall(r'<option value="(\w+)"', within))
    assert "property" in offered
    assert not {"step", "result"} & offered


def test_a_segment_is_not_offered_to_itself(visitor: Any) -> None:
    page = Editor(visitor, "/segments/gold-baskets/edit").page
    offered = set(re.findall(r'<option value="([\w-]+)"', page))
    assert {"gold", "baskets"} <= offered
    assert "gold-baskets" not in offered


def test_rows_are_added_where_one_asks(visitor: Any) -> None:
    editor = Editor(visitor, "/segments/new")
    answer = editor.rows("A", GOLD, "/segments/rows", what="add rule.rows event")
    assert answer.status_code == 200
    assert 'name="rule.rows.1.event"' in answer.text
    assert 'value="gold"' in answer.text


def test_the_builder_says_what_it_says_of_how_many_and_of_whom(visitor: Any) -> None:
    editor = Editor(visitor, "/segments/new")
    said = plain(editor.rows("A", GOLD, "/segments/condition?at=rule").text)
    assert re.match(r"Tier is gold\. Now: \d+ of 60 customers \(\d+%\) For example: \w+", said)
    half = plain(editor.rows("A", {"trait": "", "eq": "x"}, "/segments/condition?at=rule").text)
    assert half == "… not complete yet"


def test_a_new_segment_is_saved_and_is_being_built(
    visitor: Any, database: Database, made: list[str]
) -> None:
    answer = Editor(visitor, "/segments/new").rows("Gold & more", GOLD)
    made.append("gold-more")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/segments/gold-more?saved=yes"
    assert stored(database, "gold-more") == {"id": "gold-more", "name": "Gold & more", "rule": GOLD}
    page = visitor.get("/segments/gold-more?saved=yes").text
    assert "The segment is saved." in page
    assert "Building" in page


def test_no_segment_takes_an_address_away(
    visitor: Any, database: Database, made: list[str]
) -> None:
    answer = Editor(visitor, "/segments/new").rows("New", GOLD)
    id_ = answer.headers["location"].removeprefix("/segments/").removesuffix("?saved=yes")
    made.append(id_)
    assert id_ != "new"
    assert stored(database, id_)["name"] == "New"


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("", GOLD, "this must not be empty"),
        ("A", None, "Say who is in the segment: add a condition."),
        ("A", {"trait": "", "eq": "gold"}, "Choose or write what this is about."),
        ("A", {"property": "total", "gte": 5}, "is of no event"),
        ("A", {"step": "crm", "is": "done"}, "cannot ask about the step crm"),
        ("A", {"segment": "no-such"}, "there is no segment no-such"),
    ],
)
def test_a_mistake_is_told_and_what_was_typed_stays(
    visitor: Any, name: str, rule: dict[str, Any] | None, said: str
) -> None:
    answer = Editor(visitor, "/segments/new").rows(name, rule)
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert "Not saved: put right what is marked." in answer.text
    if rule == GOLD:
        assert 'value="gold"' in answer.text


def test_a_circle_is_refused_with_a_sentence(
    visitor: Any, database: Database, made: list[str]
) -> None:
    put(database, made, "outer", {"segment": "gold"})
    before = stored(database, "gold")
    answer = Editor(visitor, "/segments/gold/edit").rows("Gold", {"segment": "outer"})
    assert answer.status_code == 422
    assert "the segment is defined by itself: gold → outer → gold" in unescape(answer.text)
    assert stored(database, "gold") == before


def test_of_two_editors_the_second_sees_what_the_first_saved(
    visitor: Any, database: Database, made: list[str]
) -> None:
    put(database, made, "shared", GOLD)
    one, two = (Editor(visitor, "/segments/shared/edit") for _ in range(2))
    assert one.rows("First", {"reachable": "sms"}).status_code == 303
    answer = two.rows("Second", {"reachable": "email"})
    assert answer.status_code == 409
    page = plain(answer.text)
    assert "somebody else changed this segment meanwhile" in page
    assert "Theirs, “First”: The customer can be reached by SMS." in page
    assert stored(database, "shared")["name"] == "First"
    two.sent["rev"] = re.search(r'name="rev" value="([^"]+)"', answer.text)[1]  # type: ignore[index]
    assert two.rows("Second", {"reachable": "email"}).status_code == 303
    assert stored(database, "shared")["name"] == "Second"


def test_a_journey_that_starts_from_it_is_named_before_a_change(
    visitor: Any, database: Database, made: list[str]
) -> None:
    put(database, made, "starting", GOLD)
    journey = {
        "id": "from-segment",
        "name": "From the segment",
        "entry": {"on": {"segment_entered": "starting"}},
        "steps": [{"id": "rest", "type": "wait", "for": "1h"}],
    }
    drafting.create(database, journey, actor=COMMAND_LINE)
    starts = "Saving a changed rule starts it for nobody"
    assert starts not in visitor.get("/segments/starting/edit").text
    publish(database, "from-segment", actor=COMMAND_LINE)
    page = visitor.get("/segments/starting/edit").text
    assert starts in page
    assert "From the segment" in page
    assert "starts from it" in visitor.get("/segments/starting").text
    kept = plain(visitor.get("/segments/starting/delete").text)
    assert "It cannot be deleted while these use it" in kept
    remove = "DELETE FROM journey_version WHERE journey_id = 'from-segment'; DELETE FROM journey WHERE id = 'from-segment'"
    for statement in remove.split("; "):
        database.transact(lambda c, statement=statement: c.execute(text(statement)))


# As a file


def test_a_segment_is_written_and_saved_as_a_file(
    visitor: Any, database: Database, made: list[str]
) -> None:
    put(database, made, "filed", GOLD)
    editor = Editor(visitor, "/segments/filed/document")
    assert "rule:\n  trait: tier\n  eq: gold" in unescape(editor.page)
    written = "id: filed\nname: Filed anew\nrule: {trait: tier, eq: silver}\n"
    assert editor.file(written).status_code == 303
    assert stored(database, "filed")["name"] == "Filed anew"
    stale = editor.file(written)
    assert stale.status_code == 409
    assert "somebody else changed this segment meanwhile" in plain(stale.text)


@pytest.mark.parametrize(
    ("written", "line", "said"),
    [
        ("id: f\nname: F\nrule:\n  colour: red\n", 3, "a condition starts with one of"),
        (
            "id: f\nname: F\nrule:\n  trait: tier\n  gte: [1]\n",
            5,
            "compare with a number or a text",
        ),
        ("id: f\nname: F\nrule: {segment: no-such}\n", 3, "there is no segment no-such"),
        ("id: f\nname: [\n", 3, "the text is not YAML"),
        ("- a\n", 1, "a segment is a mapping with id, name and rule"),
        ("id: f\nname: F\n", 1, "this is needed"),
    ],
)
def test_mistakes_in_a_file_have_their_line(
    visitor: Any, written: str, line: int, said: str
) -> None:
    editor = Editor(visitor, "/segments/new")
    answer = editor.file(written, "/segments/check")
    assert f'data-line="{line}"' in answer.text
    assert said in unescape(answer.text)
    refused = editor.file(written, "/segments/new/document")
    assert refused.status_code == 422
    assert "Not saved: put right what is marked first." in refused.text


def test_the_id_of_a_file_stays_and_is_not_taken_twice(visitor: Any) -> None:
    editor = Editor(visitor, "/segments/gold/document")
    other = "id: other\nname: F\nrule: {reachable: sms}\n"
    assert "the id of this segment is gold" in unescape(editor.file(other).text)
    new = Editor(visitor, "/segments/new")
    taken = new.file("id: gold\nname: F\nrule: {reachable: sms}\n", "/segments/new/document")
    assert taken.status_code == 409
    assert "There is a segment with the id gold already" in taken.text


def test_rows_become_a_file_and_back_without_being_saved(visitor: Any, database: Database) -> None:
    before = stored(database, "gold")
    editor = Editor(visitor, "/segments/gold/edit")
    shown = editor.rows("Golden", {"trait": "tier", "eq": "platinum"}, "/segments/as-file")
    assert "name: Golden\nrule:\n  trait: tier\n  eq: platinum" in unescape(shown.text)
    written = "id: gold\nname: Again\nrule: {event: Signed Up}\n"
    back = editor.file(written, "/segments/as-rows")
    assert 'value="Signed Up"' in back.text
    assert 'value="Again"' in back.text
    broken = editor.file("id: gold\nname: Again\n", "/segments/as-rows")
    assert broken.status_code == 422
    assert "Rows can show only what is sound" in broken.text
    assert stored(database, "gold") == before


# One's page


def test_a_page_tells_who_is_inside_what_uses_it_and_what_comes(visitor: Any) -> None:
    page = visitor.get("/segments/baskets").text
    said = plain(page)
    assert "“Product Added” has happened in the last 3 days" in said
    assert re.search(r"14 Customers now|Customers now 14", said)
    assert 'aria-label="From ' in page  # the line, in a sentence
    assert "Gold members who left a basket" in said
    assert "David Huber has entered" in said
    assert "Anna Meier has left" in said
    assert "David Huber may leave" in said
    assert "and 4 more" in said
    assert said.count("In it since") == 1
    assert page.count('data-label="In it since"') == 14


def test_the_time_of_the_line_is_in_the_address(visitor: Any) -> None:
    week = visitor.get("/segments/gold?period=7d").text
    year = visitor.get("/segments/gold?period=1y").text
    days = [len(re.findall(r'<th scope="row">', page)) for page in (week, year)]
    assert days == [8, 120]
    assert visitor.get("/segments/gold?period=never").status_code == 200


def test_customers_inside_are_found_and_paged(
    visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = visitor.get("/segments/baskets?q=david").text
    assert found.count('data-label="In it since"') == 1
    assert "Nobody matches" in visitor.get("/segments/baskets?q=zzz").text
    monkeypatch.setattr("designer.segments.routes._PAGE", 10)
    first = visitor.get("/segments/baskets").text
    following = re.search(r'href="(/segments/baskets\?[^"]*cursor=[^"#]+)', first)
    assert following
    second = visitor.get(unescape(following[1])).text
    assert first.count('data-label="In it since"') == 10
    assert second.count('data-label="In it since"') == 4


def test_what_would_take_too_long_says_so(visitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.store.populations.overlap", lambda *_args, **_more: None)
    monkeypatch.setattr("engine.store.populations.lately", lambda *_args, **_more: None)
    page = visitor.get("/segments/gold").text
    assert "Too many to compare at once" in page
    assert "Too much has happened to look through" in page


def test_the_customers_are_exported_and_that_is_recorded(visitor: Any, database: Database) -> None:
    token = re.search(r'name="csrf" value="([^"]+)"', visitor.get("/segments/baskets").text)
    assert token
    answer = visitor.post("/segments/baskets/customers/export", data={"csrf": token[1]})
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "id,external_id,email,phone,since,next_change_at"
    assert len(lines) == 15
    assert answer.headers["content-disposition"] == 'attachment; filename="baskets-customers.csv"'
    with database.read() as connection:
        last = connection.execute(
            text("SELECT action, thing_id, after FROM audit ORDER BY id DESC LIMIT 1")
        ).one()
    assert (last.action, last.thing_id, last.after) == (
        "export customers",
        "baskets",
        {"customers": 14},
    )


def test_a_segment_is_deleted_only_when_nothing_uses_it(
    visitor: Any, database: Database, made: list[str]
) -> None:
    put(database, made, "inner", GOLD)
    put(database, made, "outer", {"segment": "inner"})

    def remove(id_: str) -> Any:
        token = re.search(r'name="csrf" value="([^"]+)"', visitor.get("/segments").text)
        assert token
        return visitor.post(f"/segments/{id_}/delete", data={"csrf": token[1]})

    refused = remove("inner")
    assert refused.status_code == 409
    assert "Not deleted: The segment outer uses the segment inner" in plain(refused.text)
    assert "This cannot be undone." in visitor.get("/segments/outer/delete").text
    assert remove("outer").headers["location"] == "/segments"
    made.remove("outer")
    assert visitor.get("/segments/outer").status_code == 404


# The customer


def test_a_customer_is_shown_with_her_segments_and_traits(visitor: Any, database: Database) -> None:
    with database.read() as connection:
        her = connection.execute(
            text("SELECT customer_id FROM membership WHERE segment_id = 'baskets' LIMIT 1")
        ).scalar_one()
    told = text(
        "INSERT INTO event (customer_id, seq, received_at, id, occurred_at, name, properties, "
        "source, kind, future) VALUES (:id, 900, now(), gen_random_uuid(), now() - interval '2 days', "
        "'Customer Identified', '{\"traits\": {\"tier\": \"gold\"}}', 'till', 'identify', false)"
    )
    derived = text("UPDATE customer SET derived = '{\"orders_count\": 7}' WHERE id = :id")
    for statement in (told, derived):
        database.transact(lambda c, statement=statement: c.execute(statement, {"id": her}))
    said = plain(visitor.get(f"/customers/{her}").text)
    assert "Left a basket behind since" in said
    assert "Time alone may take her out:" in said
    assert re.search(r"tier \w+ told 2 days ago , till", said)
    assert re.search(r"Computed of what she did .{0,40}Orders 7", said)
