"""A marketer walks a customer through a journey, and every mistake of the form is said."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text as sql

from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.settings import Settings
from engine.store.session import Database
from tests.web.test_lifecycle import hidden, words_of

CART = "/journeys/abandoned-cart/walk"

CALLS = """\
id: {id}
name: Calls
topic: news
entry:
  on: {{event: Ordered, where: {{property: total, gte: 50}}}}
  if: {{all: [{{trait: points, gte: 10}}, {{segment: vip}}]}}
holdout: 10%
goal: {{event: Ordered again, within: 7d, revenue: worth}}
steps:
  - {{id: crm, type: webhook, url: "https://crm.example.com", keep: {{level: level}}, on_error: [{{id: sorry, type: exit, reason: sorry}}]}}
  - id: rich
    type: branch
    arms: [{{id: "yes", label: High level, if: {{result: {{step: crm, name: level}}, gte: 3}}, then: [{{id: hello, name: Hello, type: send, channel: email, template: welcome}}]}}]
  - id: coin
    name: Coin
    type: split
    arms: [{{id: heads, label: Heads, weight: 50}}, {{id: tails, label: Tails, weight: 50}}]
  - id: reviewed
    type: wait_for
    timeout: 2d
    events: [{{on: {{event: Reviewed, where: {{property: stars, gte: 4}}}}}}]
"""


@pytest.fixture
def database(shop_settings: Settings) -> Iterator[Database]:
    opened = Database(shop_settings.database_url)
    yield opened
    opened.close()


@pytest.fixture
def calls(database: Database) -> str:
    """A published journey with a call, chance and numbers."""
    document = CALLS.format(id=f"calls-{uuid4().hex[:8]}")
    journey = parse_journey(document)
    save_journey(database, journey, document, actor=COMMAND_LINE)
    publish(database, journey.id, actor=COMMAND_LINE)
    return f"/journeys/{journey.id}/walk"


class Walking:
    """A walk in a browser's cookies: each page carries it to the next."""

    def __init__(self, visitor: Any, address: str) -> None:
        self.visitor = visitor
        self.address = address
        self.status = 0
        self.page = ""
        self._took(visitor.get(address))

    def _took(self, answer: Any) -> None:
        self.status, self.page = answer.status_code, answer.text

    @property
    def words(self) -> str:
        return words_of(self.page)

    @property
    def walk(self) -> dict[str, Any]:
        return dict(json.loads(hidden(self.page, "walk")))

    @property
    def story(self) -> list[str]:
        found = re.findall(r'<button[^>]*class="told"[^>]*>([^<]*)<', self.page)
        return [unescape(one) for one in found]

    def post(self, do: str, walk: str | None = None, **form: Any) -> "Walking":
        sent = {
            "csrf": hidden(self.page, "csrf"),
            "walk": walk if walk is not None else hidden(self.page, "walk"),
            "do": do,
            **form,
        }
        self._took(self.visitor.post(self.address, data=sent))
        return self

    def has(self, *marks: str) -> bool:
        return all(mark in self.page for mark in marks)

    def lit(self, step: str) -> str:
        found = re.search(rf'class="step-card ([^"]*)" id="s-{step}"', self.page)
        assert found is not None
        return " ".join({"here", "passed"} & set(found[1].split()))


def test_the_canvas_of_draft_and_live_leads_to_the_walk(visitor: Any) -> None:
    assert f'href="{CART}"' in visitor.get("/journeys/abandoned-cart").text
    draft = visitor.get("/journeys/abandoned-cart?show=draft").text
    assert f'href="{CART}?show=draft"' in draft


def test_the_first_look_walks_somebody_who_enters(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    assert walking.status == 200
    assert "Entered the journey" in walking.words
    assert "cart value is 30" in walking.words
    assert walking.lit("cool-off") == "here"
    assert walking.lit("first-mail") == ""
    assert "1 hour later" in walking.words
    assert "takes her out: purchased" in walking.words
    assert "5% of those who enter are held out" in walking.words
    assert "Nothing is sent and nothing is written." in walking.words


def test_a_whole_walk_without_javascript(visitor: Any) -> None:
    walking = Walking(visitor, CART).post("pass")
    assert walking.lit("cool-off") == "passed"
    assert walking.lit("first-mail") == "here"
    assert "What she gets" in walking.words
    assert "Your basket is waiting" in unescape(walking.page)
    walking.post("send:sent")
    assert walking.story[-2:] == [
        "First reminder: sent", walking.story[-1],
    ]  # fmt: skip
    assert walking.lit("opened") == "here"
    assert "She opens “First reminder”" in walking.words
    walking.post("happen:0", **{"after.n": "20", "after.unit": "m"})
    assert "She has left: reached" in walking.words
    assert walking.lit("done") == "passed"
    assert walking.lit("nudge") == ""
    assert re.search(r'class="arm[^"]* passed"', walking.page)
    walking.post("back")
    assert walking.lit("opened") == "here"
    walking.post("again")
    assert walking.lit("cool-off") == "here"
    assert walking.walk["choices"] == []


def test_nothing_is_written_by_a_walk(visitor: Any, database: Database) -> None:
    def counts() -> list[int]:
        with database.read() as connection:
            return [
                connection.execute(sql(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
                for table in ("event", "run", "message", "customer", "run_trace")
            ]

    before = counts()
    Walking(visitor, CART).post("pass").post("send:sent").post("pass").post("send:skipped")
    assert counts() == before


def test_a_purchase_with_its_properties(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    assert 'value="total"' in walking.page
    sent = {"properties.0.name": "total", "after.n": "5", "after.unit": "m"}
    walking.post("happen:0", **sent, **{"properties.0.value": "80"})
    assert "Reached the goal: “Order Completed”" in walking.words
    assert "CHF 80.00" in walking.words
    assert "She has left: purchased" in walking.words


def test_what_is_wrong_with_an_event_is_said_at_its_field(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    sent = {"properties.0.name": "total", "after.n": "soon", "after.unit": "m"}
    walking.post("happen:0", **sent, **{"properties.0.value": "much"})
    assert walking.status == 422
    assert "Write a number, like 49.90: the journey compares it with one." in walking.words
    assert "Write a whole number, of ten years at most." in walking.words
    assert walking.has('value="much"', 'value="soon"', 'aria-invalid="true"')
    late = {"properties.0.name": "total", "properties.0.value": "", "after.n": "9"}
    walking.post("happen:0", **late, **{"after.unit": "d"})
    assert walking.status == 422
    assert "By then the wait here is over" in walking.words
    assert walking.walk["choices"] == []


def test_what_cannot_be_chosen_here_changes_nothing(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    before = walking.walk
    for do in (
        "send:sent", "send:burnt", "answer:done", "happen:9", "happen:x", "happen:-1", "fly",
        "arm:x", "arm:../..",
    ):  # fmt: skip
        walking.post(do)
        assert walking.status == 422, do
        assert "This cannot be chosen here." in walking.words
        assert walking.walk == before


def test_a_walk_that_cannot_be_read_begins_again(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    for walk in (
        "", "{", "null", "[]", '{"made": {}}', '{"at": "\\ud800"}', '{"at": NaN}', "[" * 100_000,
        '{"at": 1e999}', "9" * 250_000,
    ):  # fmt: skip
        walking.post("pass", walk=walk)
        assert walking.status == 422, walk[:20]
        assert "That walk cannot be read, so a new one begins here." in walking.words
        assert walking.lit("cool-off") == "here"


def test_a_malformed_choice_in_a_walk_is_no_walk(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    for choice in (
        {"kind": "flies"}, {"kind": "happens"}, {"kind": "happens", "event": "x", "after": -1},
        {"kind": "handed", "outcome": "burnt"}, {"kind": "answered", "outcome": "done", "kept": 3},
    ):  # fmt: skip
        walking.post("pass", walk=json.dumps({**walking.walk, "choices": [choice]}))
        assert walking.status == 422
    misplaced = [{"kind": "passes", "step": "nowhere"}, {"kind": "passes", "step": "cool-off"}]
    walking.post("", walk=json.dumps({**walking.walk, "choices": misplaced}))
    assert walking.status == 200
    assert "does not fit any more, and was left out" in walking.words
    assert walking.walk["choices"] == []


def who(walking: Walking, **changes: Any) -> dict[str, Any]:
    """Return the form that says who walks, as the page fills it."""
    form = walking.page.split('class="walk-form"', 1)[1].split("</form>", 1)[0]
    found: dict[str, Any] = {"channels[]": []}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r' name="([^"]*)"', tag)
        value = re.search(r' value="([^"]*)"', tag)
        if name is None or ('type="checkbox"' in tag and " checked" not in tag):
            continue
        given = unescape(value[1]) if value else ""
        found[name[1]] = [*found[name[1]], given] if name[1] == "channels[]" else given
    found |= dict.fromkeys(re.findall(r'<select[^>]* name="([^"]*)"', form), "d")
    for carried in ("csrf", "walk", "nonce"):
        found.pop(carried, None)
    return {**found, **changes}


def test_whoever_is_made_up_may_be_another(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    form = who(walking, **{"properties.0.value": "20", "channels[]": []})
    walking.post("who", **form)
    assert walking.status == 200
    assert "She would not enter: the event is not the one that opens it" in walking.words
    assert "cart value is 20" in walking.words
    assert "cannot be reached on any channel" in walking.words
    walking.post("anyway")
    assert walking.lit("cool-off") == "here"
    walking.post("pass")
    assert "no address on any of the channels" in walking.words
    walking.post("send:sent")
    assert walking.status == 422
    walking.post("send:skipped")
    assert "First reminder: not sent" in walking.story
    walking.post("back").post("back").post("back")
    assert "She does not enter" in walking.words


def test_what_she_has_done_before_counts(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    bought = {"before.0.event": "Order Completed", "before.0.times": "1", "before.0.n": "2",
              "before.0.unit": "h"}  # fmt: skip
    walking.post("who", **who(walking, **bought))
    assert "She would not enter: the entry's condition did not hold" in walking.words
    assert "“Order Completed” has happened 1 time" in walking.words
    walking.post("who", **who(walking, **{**bought, "before.0.n": "2", "before.0.unit": "d"}))
    assert "Entered the journey" in walking.words


def test_mistakes_of_who_walks_are_said_at_the_field(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    filled = who(walking, **{"before.0.event": "Ping"})
    for field, value, said in (
        ("at", "soon", "Choose a day and a time between 2000 and 2100."),
        ("at", "9999-12-31T23:59", "Choose a day and a time between 2000 and 2100."),
        ("at", "1800-01-01T00:00", "Choose a day and a time between 2000 and 2100."),
        ("properties.0.value", "a lot", "Write a number, like 49.90"),
        ("properties.0.value", "[1", "A list or a group of values is written like"),
        ("properties.1.value", "lost", "Give it a name."),
        ("traits.0.name", "x" * 300, "That is too long."),
        ("before.0.times", "none", "Write whole numbers"),
        ("before.0.times", "0", "Write whole numbers"),
    ):
        walking.post("who", **{**filled, field: value})
        assert walking.status == 422, field
        assert said in walking.words
        assert walking.has('<details class="walk-change" open>', f'value="{value}"')


def test_a_customer_of_the_shop_is_found_and_walks(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    walking.post("find", q="anna.meier.0@")
    found = re.search(r'value="(customer:[0-9a-f-]{36})"', walking.page)
    assert found is not None
    walking.post(found[1])
    assert walking.status == 200
    assert "Anna Meier" in walking.words
    assert "anna.meier" not in hidden(walking.page, "walk")
    assert walking.walk["customer"] == found[1].removeprefix("customer:")
    assert f'href="/customers/{walking.walk["customer"]}"' in walking.page
    by_link = visitor.get(f"{CART}?customer={walking.walk['customer']}").text
    assert "Anna Meier" in by_link
    walking.post("made")
    assert walking.walk["customer"] is None
    assert "Somebody made up" in walking.words


def test_a_customer_who_is_not_there_is_said(visitor: Any) -> None:
    walking = Walking(visitor, CART)
    nobody = "00000000-0000-0000-0000-000000000000"
    for do in (f"customer:{nobody}", "customer:x", "customer:", "customer:external_id:20000"):
        walking.post(do)
        assert walking.status == 422
        assert "There is no such customer" in walking.words
        assert walking.walk["customer"] is None
    erased = json.dumps({**walking.walk, "customer": nobody})
    for do in ("pass", "", "who"):
        walking.post(do, walk=erased)
        assert walking.status == 422
    assert visitor.get(f"{CART}?customer={nobody}").status_code == 422
    walking.post("find", q="nobody at all")
    assert "Nobody is called that." in walking.words


def test_calls_answer_and_chance_may_be_another(visitor: Any, calls: str) -> None:
    walking = Walking(visitor, calls)
    assert "10% of those who enter are held out" in walking.words
    assert walking.lit("crm") == "here"
    assert walking.has('value="level"', 'value="3"')
    walking.post("answer:done", **{"properties.0.name": "level", "properties.0.value": "low"})
    assert walking.status == 422
    assert "Write a number" in walking.words
    walking.post("answer:done", **{"properties.0.name": "level", "properties.0.value": "5"})
    assert walking.lit("hello") == "here"
    walking.post("send:sent")
    drawn = next(one for one in walking.story if one.startswith("Coin"))
    other = "tails" if "Heads" in drawn else "heads"
    walking.post(f"arm:coin/{other}")
    assert other.capitalize() in next(one for one in walking.story if one.startswith("Coin"))
    assert "CHF" not in walking.words
    few = {
        "properties.0.name": "stars",
        "properties.0.value": "2",
        "after.n": "1",
        "after.unit": "h",
    }
    walking.post("happen:0", **few)
    assert "nothing comes of it: stars is 2" in walking.words
    walking.post("again").post("answer:failed")
    assert "She has left: sorry" in walking.words


def test_a_walk_has_an_end(visitor: Any, calls: str) -> None:
    walking = Walking(visitor, calls)
    walking.post("answer:done", **{"properties.0.name": "level", "properties.0.value": "1"})
    (answered,) = walking.walk["choices"]
    again = {"kind": "happens", "step": "reviewed", "event": "Reviewed", "properties": {"stars": 1}}
    long = json.dumps({**walking.walk, "choices": [answered, *[again] * 199]})
    walking.post("pass", walk=long)
    assert walking.status == 422
    assert "This walk is long enough." in walking.words


def test_a_chosen_sentence_shows_its_step(visitor: Any) -> None:
    walking = Walking(visitor, CART).post("pass").post("", step="cool-off")
    pressed = re.findall(r'id="s-([\w-]*)"[^>]*aria-pressed="true"', walking.page)
    assert pressed == ["cool-off"]
    assert '<li class="chosen">' in walking.page


def test_htmx_gets_the_parts_alone(visitor: Any) -> None:
    page = Walking(visitor, CART)
    sent = {"csrf": hidden(page.page, "csrf"), "walk": hidden(page.page, "walk"), "do": "pass"}
    answer = visitor.post(CART, data=sent, headers={"HX-Request": "true"})
    assert answer.headers["X-Part"] == "walked"
    assert "<html" not in answer.text
    assert answer.text.count("<hx-partial") == 2


def test_a_journey_with_mistakes_says_what_to_mend(visitor: Any) -> None:
    page = visitor.get("/journeys/birthday/walk").text
    assert "Nobody can walk through this journey yet: 1 mistake" in words_of(page)
    assert 'href="/journeys/birthday?show=draft&amp;step=card"' in page
    french = visitor.get("/journeys/birthday/walk", headers={"Accept-Language": "fr"}).text
    assert "créez-le ou choisissez-en un autre" in words_of(french)
    token = hidden(visitor.get("/import").text, "csrf")
    answer = visitor.post("/journeys/birthday/walk", data={"csrf": token, "do": "pass"})
    assert "Nobody can walk through this journey yet" in answer.text


def test_an_unknown_journey_is_not_there(visitor: Any) -> None:
    assert visitor.get("/journeys/no-such/walk").status_code == 404
