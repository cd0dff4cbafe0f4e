"""A journey's versions, its files, and its way into the archive and out again."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text as sql

from engine.flow.advance import advance
from engine.flow.intake import Incoming, receive
from engine.flow.publish import pause, publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.settings import Settings
from engine.store.session import Database

DOCUMENT = """\
# Kept: comments are for people.
id: {id}
name: {name}
topic: news
entry:
  on: {{event: Opens {id}}}
steps:
  - {{id: rest, name: Rest, type: wait, for: {wait}}}
  - {{id: hello, name: Hello, type: send, channel: email, template: welcome}}
"""


class Made:
    """A journey of its own in the shop, and what visitors see of it."""

    def __init__(self, visitor: Any, database: Database) -> None:
        self.visitor = visitor
        self.database = database
        self.id = f"life-{uuid4().hex[:8]}"

    def text(self, name: str = "Life", wait: str = "1d") -> str:
        return DOCUMENT.format(id=self.id, name=name, wait=wait)

    def save(self, **changes: str) -> None:
        text = self.text(**changes)
        save_journey(self.database, parse_journey(text), text, actor=COMMAND_LINE)

    def publish(self, **changes: str) -> int:
        self.save(**changes)
        return publish(self.database, self.id, actor=COMMAND_LINE)

    def enter(self) -> None:
        event = Incoming(
            source="test", message_id=uuid4().hex, kind="track", name=f"Opens {self.id}",
            user_id=uuid4().hex,
        )  # fmt: skip
        receive(self.database, [event])

    def page(self, path: str) -> str:
        answer = self.visitor.get(f"/journeys/{self.id}{path}")
        assert answer.status_code == 200, answer.text
        return words_of(answer.text)

    def post(self, path: str, page: str | None = None, **form: str) -> Any:
        token = hidden(page or self.visitor.get("/import").text, "csrf")
        return self.visitor.post(path, data={"csrf": token, **form})

    def state(self) -> str:
        with self.database.read() as connection:
            query = sql("SELECT state FROM journey WHERE id = :id")
            return str(connection.execute(query, {"id": self.id}).scalar_one())


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def words_of(page: str) -> str:
    """Return a page's text, its white space drawn together."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
def made(visitor: Any, shop_settings: Settings) -> Any:
    database = Database(shop_settings.database_url)
    yield Made(visitor, database)
    database.close()


def test_versions_tell_what_changed_and_who_is_in_them(made: Made) -> None:
    made.publish()
    made.enter()
    made.enter()
    made.publish(wait="2d")
    page = made.page("/versions")
    assert "Rest: waits 2 days, was 1 day" in page
    assert "The first version." in page
    assert page.index("Version 2") < page.index("Version 1")
    assert "2 entered · 2 inside now" in page
    assert "0 entered · 0 inside now" in page


def test_a_pause_is_told_with_how_many_are_held(made: Made) -> None:
    made.publish()
    made.enter()
    made.enter()
    pause(made.database, made.id, actor=COMMAND_LINE)
    assert "Nobody is held so far." in made.page("/versions")
    with made.database.read() as connection:
        query = sql("SELECT id, revision FROM run WHERE journey_id = :id")
        runs = connection.execute(query, {"id": made.id}).all()
    for run in runs:
        advance(made.database, run.id, run.revision, "time_reached")
    assert "2 customers are held." in made.page("/versions")
    made.save(wait="2d")
    assert "2 customers who are held go on, a few at a time." in made.page("/publish")


def test_a_journey_that_was_never_published_has_no_version_yet(made: Made) -> None:
    made.save()
    assert "No version yet" in made.page("/versions")


def test_older_versions_are_a_page_further_on(made: Made) -> None:
    for n in range(1, 23):
        made.publish(name=f"Life {n}")
    page = made.page("/versions")
    assert "Name was “Life 2”, is “Life 3”" in page
    older = made.page("/versions?before=3")
    assert "Name was “Life 1”, is “Life 2”" in older
    assert "The first version." in older
    assert "Older versions" not in older


def test_a_version_is_looked_at_as_it_was(made: Made) -> None:
    made.publish()
    made.enter()
    made.publish(wait="2d")
    page = made.page("/versions/1")
    assert "Wait 1 day" in page
    assert "Wait 2 days" not in page
    assert "Settings" in made.page("/versions/1?step=hello")
    assert made.visitor.get(f"/journeys/{made.id}/versions/9").status_code == 404
    assert made.visitor.get(f"/journeys/{made.id}/versions/0").status_code in {404, 422}


def test_a_version_becomes_the_draft_again(made: Made) -> None:
    made.publish()
    made.publish(wait="2d")
    page = made.visitor.get(f"/journeys/{made.id}/versions/1").text
    assert "in no version" not in page
    answer = made.post(f"/journeys/{made.id}/versions/1/draft", page, rev=hidden(page, "rev"))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/journeys/{made.id}/versions?taken=1"
    assert "Version 1 is the draft again" in made.page("/versions?taken=1")
    assert "The draft is the same." in made.page("/versions/1")
    assert "Rest: waits 1 day, was 2 days" in made.page("/publish")


def test_a_draft_that_was_saved_meanwhile_is_not_replaced(made: Made) -> None:
    made.publish()
    page = made.visitor.get(f"/journeys/{made.id}/versions/1").text
    made.save(wait="5d")
    rev = re.search(r'name="rev" value="([^"]*)"', page)
    answer = made.post(f"/journeys/{made.id}/versions/1/draft", rev=rev[1] if rev else "old")
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert "5d" in made.visitor.get(f"/journeys/{made.id}/file").text


def test_changes_that_are_in_no_version_are_not_lost_unawares(made: Made) -> None:
    made.publish()
    made.save(wait="5d")
    assert "The draft has changes that are in no version" in made.page("/versions/1")


def test_publishing_says_who_waits_at_a_step_that_changes(made: Made) -> None:
    made.publish()
    for _ in range(3):
        made.enter()
    made.save(wait="2d")
    page = made.page("/publish")
    assert "Rest: waits 2 days, was 1 day" in page
    assert "3 customers at “Rest”" in page
    assert "They finish version 1 as it was when they entered" in page
    assert f"From now on customers enter version 2: On “Opens {made.id}”" in page


def test_publishing_shows_the_step_of_a_mistake(visitor: Any) -> None:
    page = visitor.get("/journeys/birthday/publish").text
    assert re.search(r'href="/journeys/birthday\?show=draft&amp;step=[\w-]+"', page)


def test_an_empty_journey_is_archived_leaves_the_list_and_is_restored(made: Made) -> None:
    made.publish(name=f"Gone {made.id}")
    assert "Nobody enters it any more" in made.page("/archive")
    answer = made.post(f"/journeys/{made.id}/archive")
    assert answer.headers["location"] == "/journeys?state=archived"
    assert f"Gone {made.id}" not in made.visitor.get("/journeys").text
    assert f"Gone {made.id}" in made.visitor.get("/journeys?state=archived").text
    page = made.visitor.get(f"/journeys/{made.id}/publish").text
    assert "This journey is archived" in page
    assert "Publish version" not in page
    refused = made.post(f"/journeys/{made.id}/publish", rev="any")
    assert refused.status_code == 409
    assert made.post(f"/journeys/{made.id}/restore").status_code == 303
    assert made.state() == "paused"


def test_archiving_with_customers_inside_needs_a_choice(made: Made) -> None:
    made.publish()
    made.enter()
    assert "1 customer is inside" in made.page("/archive")
    for form in ({}, {"inside": "nonsense"}):
        answer = made.post(f"/journeys/{made.id}/archive", **form)
        assert answer.status_code == 422
        assert "Choose what becomes of those inside" in answer.text
    assert made.state() == "live"
    assert made.post(f"/journeys/{made.id}/archive", inside="finish").status_code == 303
    assert made.state() == "archived"


def test_the_draft_is_downloaded_as_it_was_written(made: Made) -> None:
    made.publish()
    answer = made.visitor.get(f"/journeys/{made.id}/file")
    assert answer.text == made.text()
    assert answer.headers["content-disposition"] == f'attachment; filename="{made.id}.yaml"'
    assert answer.headers["content-type"].startswith("application/yaml")


def test_a_version_is_downloaded_as_a_file_that_can_be_imported(made: Made) -> None:
    made.publish()
    made.publish(wait="2d")
    answer = made.visitor.get(f"/journeys/{made.id}/file?version=1")
    assert parse_journey(answer.text) == parse_journey(made.text())
    assert made.visitor.get(f"/journeys/{made.id}/file?version=7").status_code == 404
    again = made.visitor.get(f"/journeys/{made.id}/file?version=1")
    assert again.text == answer.text


def test_a_file_becomes_a_new_journey(made: Made) -> None:
    answer = made.post("/import", text=made.text().replace("\n", "\r\n"))
    assert answer.headers["location"] == f"/journeys/{made.id}/document?saved=yes"
    assert made.visitor.get(f"/journeys/{made.id}/file").text == made.text()


def test_a_file_replaces_a_draft_once_that_was_looked_at(made: Made) -> None:
    made.save()
    new = made.text(wait="3d")
    first = made.post("/import", text=new)
    assert first.status_code == 200
    assert "Rest: waits 3 days, was 1 day" in words_of(first.text)
    assert made.visitor.get(f"/journeys/{made.id}/file").text == made.text()
    rev = hidden(first.text, "rev")
    assert made.post("/import", text=new, rev=rev).status_code == 303
    assert made.visitor.get(f"/journeys/{made.id}/file").text == new
    stale = made.post("/import", text=made.text(wait="4d"), rev=rev)
    assert stale.status_code == 409
    assert "Somebody else changed the draft meanwhile" in stale.text


def test_a_file_with_mistakes_is_kept_and_each_has_its_line(made: Made) -> None:
    answer = made.post("/import", text=made.text().replace("type: send", "type: sing"))
    assert answer.status_code == 422
    assert "Line 9" in words_of(answer.text)
    assert "type: sing" in answer.text
    assert "Not imported" in answer.text


@pytest.mark.parametrize("text", ["", "  \n", "just words", "[1, 2]", "id: [", "\0"])
def test_what_is_no_journey_is_refused_with_a_sentence(made: Made, text: str) -> None:
    answer = made.post("/import", text=text)
    assert answer.status_code == 422
    assert "Not imported" in answer.text or "Choose a file" in answer.text
