"""The customers behind a journey's figures: list, export, ending, moving on, and who may."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text as sql

from designer.period import ALL_TIME, period
from designer.words import Shop, Words
from engine.flow import intervening
from engine.flow.intake import Incoming, receive
from engine.flow.publish import pause, publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.settings import Settings
from engine.store.session import Database
from tests.web.people import log_in, somebody
from tests.web.test_lifecycle import hidden, words_of

TEXT = """
id: {id}
name: Inside
topic: news
entry: {{on: {{event: Opens {id}}}}}
steps:
  - {{id: rest, name: Rest, type: wait, for: 30d}}
  - {{id: hello, name: Hello, type: send, channel: email, template: welcome}}
"""


class Made:
    """A journey with customers who wait in it."""

    def __init__(self, visitor: Any, database: Database, names: tuple[str, ...]) -> None:
        self.visitor = visitor
        self.database = database
        self.id = f"inside-{uuid4().hex[:8]}"
        text = TEXT.format(id=self.id)
        save_journey(database, parse_journey(text), text, actor=COMMAND_LINE)
        publish(database, self.id, actor=COMMAND_LINE)
        for name in names:
            self.enter(name)
        self.csrf = hidden(visitor.get("/import").text, "csrf")

    def enter(self, name: str, user: str = "", **traits: str) -> None:
        told = {"source": "test", "user_id": user or str(uuid4().int)}
        known = {"first_name": name, "email": f"{uuid4().int}@mail.example", **traits}
        receive(self.database, [
            Incoming(message_id=uuid4().hex, kind="identify", name="Told", traits=known, **told),
            Incoming(message_id=uuid4().hex, kind="track", name=f"Opens {self.id}", **told),
        ])  # fmt: skip

    def get(self, query: str = "") -> Any:
        return self.visitor.get(f"/journeys/{self.id}/customers{query}")

    def names(self, query: str = "") -> list[str]:
        answer = self.get(query)
        assert answer.status_code == 200, answer.text
        return re.findall(r'class="name" href="[^"]*">([^<]*)<', answer.text)

    def post(self, path: str = "customers", **form: Any) -> Any:
        data = {"csrf": self.csrf, **form}
        return self.visitor.post(f"/journeys/{self.id}/{path}", data=data)

    def runs(self) -> dict[str, Any]:
        query = sql("SELECT r.*, c.traits ->> 'first_name' AS name FROM run r "
                    "JOIN customer c ON c.id = r.customer_id WHERE journey_id = :id")  # fmt: skip
        with self.database.read() as connection:
            return {row.name: row for row in connection.execute(query, {"id": self.id})}

    def asked(self, **form: Any) -> str:
        """Choose customers; return the address of the page that asks whether it is meant."""
        answer = self.post(**form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).removeprefix(f"/journeys/{self.id}/")

    def page(self, path: str) -> str:
        answer = self.visitor.get(f"/journeys/{self.id}/{path}")
        assert answer.status_code == 200, answer.text
        return words_of(answer.text)


@pytest.fixture
def made(visitor: Any, shop_settings: Settings) -> Iterator[Made]:
    database = Database(shop_settings.database_url)
    yield Made(visitor, database, ("Ada", "Bea", "Cleo"))
    database.close()


def test_the_canvas_leads_to_those_behind_its_figures(made: Made) -> None:
    page = unescape(made.visitor.get(f"/journeys/{made.id}?period=7d&step=rest").text)
    for figure in ("?step=rest&of=waiting&period=7d", "?of=inside&period=7d",
                   "?step=rest&of=entered&period=7d", "?period=7d&step=hello&of=sent"):  # fmt: skip
        assert f"/journeys/{made.id}/customers{figure}" in page
        assert made.get(figure).status_code == 200
    assert "Customers who wait here now, whatever the period" in page
    assert "Messages sent by this step (Last 7 days)" in page
    rates = made.visitor.get(f"/journeys/{made.id}?figures=rates").text
    assert "Messages sent, of the times that customers came here" in rates
    assert made.visitor.get(f"/journeys/{made.id}?from=x").status_code == 422


def test_who_is_held_by_a_pause_shows_on_the_canvas(made: Made) -> None:
    pause(made.database, made.id, actor=COMMAND_LINE)
    made.database.transact(
        lambda c: c.execute(
            sql("UPDATE run SET held_at = now() WHERE id = :id"), {"id": made.runs()["Ada"].id}
        )
    )
    page = made.visitor.get(f"/journeys/{made.id}").text
    assert re.search(r'id="n-rest-held">1<', page)
    assert re.search(r'id="t-paused"[^>]*>1<', page)
    assert made.names("?step=rest&of=held") == ["Ada"]


def test_the_list_is_searched_sorted_and_says_where_each_stands(made: Made) -> None:
    assert made.names() == ["Cleo", "Bea", "Ada"]
    assert made.names("?sort=oldest") == ["Ada", "Bea", "Cleo"]
    assert made.names("?step=rest&of=waiting&sort=due") == ["Ada", "Bea", "Cleo"]
    assert made.names("?q=cle") == ["Cleo"]
    assert made.names("?now=left") == []
    assert made.names("?period=today") == ["Cleo", "Bea", "Ada"]
    assert made.names("?to=2020-01-01") == []
    page = words_of(made.get("?step=rest&of=waiting").text)
    assert "Customers who are at “Rest” now" in page
    assert "3 customers" in page
    assert "Nobody matches" in words_of(made.get("?q=nobody").text)
    assert "Nobody so far" in words_of(made.get("?step=hello&of=opened").text)
    assert f"?run={made.runs()['Ada'].id}#run-" in made.get().text


def test_the_list_goes_on_on_further_pages(made: Made) -> None:
    for n in range(50):
        made.enter(f"More {n:02}")
    first = made.get("?sort=oldest")
    assert "53 customers" in words_of(first.text)
    following = re.search(r'href="(/journeys/[^"]*cursor=[^"]*)"', first.text)
    assert following is not None
    rest = made.visitor.get(unescape(following[1])).text
    assert re.findall(r'class="name" href="[^"]*">([^<]*)<', rest) == [
        "More 47", "More 48", "More 49",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?of=loved", "There is no figure “loved”: choose one of the list."),
        ("?sort=size", "The list cannot be shown by “size”: choose one of the list."),
        ("?now=never", "The list cannot be shown by “never”: choose one of the list."),
        ("?step=rest&of=went", "Say which way the customers went: the address lacks it."),
        ("?from=soon", "Write a day like 2026-03-21."),
        ("?from=2026-02-02&to=2026-02-01", "The last day lies before the first."),
        ("?cursor=nonsense", "The cursor is not one that this list gave out."),
    ],
)
def test_what_is_no_list_is_told_in_a_sentence(made: Made, query: str, sentence: str) -> None:
    answer = made.get(query)
    assert answer.status_code == 422
    assert sentence in words_of(answer.text)


def test_what_does_not_fit_another_step_falls_back(made: Made) -> None:
    assert "Customers who are inside now" in words_of(made.get("?of=waiting").text)
    assert "Customers who are at “Rest” now" in words_of(made.get("?step=rest&of=inside").text)
    assert made.visitor.get("/journeys/no-such/customers").status_code == 404


def test_the_export_is_a_harmless_table_and_recorded(made: Made) -> None:
    made.enter("Eve", user="=SUM(1)", email="eve@mail.example")
    answer = made.post("customers/export", of="inside", q="e", period="7d")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{made.id}-customers.csv"' in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(StringIO(answer.content.decode("utf-8-sig")))
    assert head == ["id", "external_id", "email", "step", "since", "until", "result"]
    (row,) = [row for row in rows if row[2] == "eve@mail.example"]
    assert row[1] == "'=SUM(1)"
    assert (row[3], row[6]) == ("rest", "inside")
    assert datetime.fromisoformat(row[5]) > datetime.now(UTC)
    query = sql(
        "SELECT actor, after FROM audit WHERE action = 'export customers' AND thing_id = :id"
    )
    with made.database.read() as connection:
        (entry,) = connection.execute(query, {"id": made.id}).all()
    assert entry.after == {"of": "inside", "period": "7d", "customers": len(rows)}
    assert made.post("customers/export", of="loved").status_code == 422
    assert made.post("customers/export", **{"from": "x"}).status_code == 422


def test_the_whole_list_is_exported(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("designer.inside.routes.MOST", 2)
    lines = made.post("customers/export").content.decode().splitlines()
    assert len(lines) == 4


def test_the_chosen_are_ended_after_a_question_with_a_reason(made: Made) -> None:
    runs = made.runs()
    path = made.asked(action="end", run=[str(runs["Ada"].id), str(runs["Bea"].id)])
    assert "End 2 customers" in made.page(path)
    assert made.runs()["Ada"].ended_at is None
    refused = made.post(path, reason="  ")
    assert refused.status_code == 422
    assert "Say why they are ended: it stands in their record." in words_of(refused.text)
    assert "80 characters at most" in words_of(made.post(path, reason="x" * 81).text)
    assert made.post(path, reason="the offer is over").status_code == 303
    assert "2 customers are ended." in made.page(path)
    assert made.post(path, reason="another").status_code == 303, "twice is as good as once"
    ended = {name: row.end_reason for name, row in made.runs().items()}
    assert ended == {"Ada": "the offer is over", "Bea": "the offer is over", "Cleo": None}
    assert made.names("?of=left") == ["Bea", "Ada"] or made.names("?of=left") == ["Ada", "Bea"]
    page = words_of(made.visitor.get("/settings/changes").text)
    assert "customers ended" in page


def test_all_that_the_filter_finds_are_moved_on(made: Made) -> None:
    made.enter("Bella")
    nobody = made.post(action="move", all="1", step="rest", of="waiting", q="nobody")
    assert nobody.status_code == 422
    assert "Nobody is chosen" in words_of(nobody.text)
    path = made.asked(action="move", all="1", step="rest", of="waiting", q="be")
    assert "Move 2 customers on" in made.page(path)
    made.post(path)
    assert "2 customers are moved on." in made.page(path)
    steps = {name: row.step for name, row in made.runs().items()}
    assert steps == {"Ada": "rest", "Bea": "hello", "Bella": "hello", "Cleo": "rest"}
    customer = made.runs()["Bea"].customer_id
    told = words_of(made.visitor.get(f"/customers/{customer}").text)
    assert "Rest: moved on by hand somebody ended the wait before its time" in told


def test_many_have_their_turn_in_the_background_and_can_be_spared(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("designer.inside.routes.AT_ONCE", 1)
    path = made.asked(action="end", all="1", of="inside")
    made.post(path, reason="enough")
    assert "1 of 3, a few at a time." in made.page(path)
    assert 'hx-trigger="load delay:1s"' in made.visitor.get(f"/journeys/{made.id}/{path}").text
    assert made.post(f"{path}/cancel").status_code == 303
    page = made.page(path)
    assert "1 customer is ended." in page
    assert "2 left alone, because it was stopped" in page
    intervening.carry_out(made.database)
    assert sum(row.ended_at is not None for row in made.runs().values()) == 1


def test_in_a_paused_journey_it_is_said_that_nobody_goes_on(made: Made) -> None:
    pause(made.database, made.id, actor=COMMAND_LINE)
    path = made.asked(action="move", all="1", of="inside")
    assert "The journey is paused: nobody goes on before it is resumed." in made.page(path)
    made.post(path)
    assert "3 held by the pause, and stay held" in made.page(path)


def test_nobody_chosen_and_strange_ids_are_told(made: Made) -> None:
    answer = made.post(action="end")
    assert answer.status_code == 422
    assert "Nobody is chosen: tick customers in the list, or choose all" in words_of(answer.text)
    assert made.post(action="end", run="nonsense").status_code == 422
    assert made.visitor.get(f"/journeys/{made.id}/interventions/{uuid4()}").status_code == 404
    path = made.asked(action="move", run=str(uuid4()))
    assert "Nobody of those chosen waits" in made.page(path)


def test_who_may_only_read_sees_the_list_without_buttons(made: Made) -> None:
    for role, may in (("viewer", False), ("marketer", False), ("publisher", True)):
        made.csrf = log_in(made.visitor, made.database, somebody(made.database, role))  # type: ignore[arg-type]
        page = made.get("?of=inside").text
        assert ('type="checkbox"' in page) == may
        assert ('value="end"' in page) == may
        assert made.post("customers/export").status_code == 200
        answer = made.post(action="end", all="1", of="inside")
        assert (answer.status_code == 303) == may
    made.csrf = log_in(made.visitor, made.database, somebody(made.database, "staff"))
    assert made.get().status_code == 403


NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # half past midnight in Zurich, on the 30th


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ({}, None, None),
        ({"period": "today"}, "2026-03-29T22:00Z", None),
        ({"period": "7d"}, "2026-03-23T23:00Z", None),
        ({"from": "2026-03-29"}, "2026-03-28T23:00Z", None),
        ({"from": "2026-03-29", "to": "2026-03-29"}, "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ({"period": "own", "to": "9999-12-31"}, None, None),
    ],
)
def test_a_period_is_of_the_shops_own_days(
    asked: dict[str, str], since: str | None, until: str | None
) -> None:
    found = period(asked, "Europe/Zurich", NOW, Words(shop=Shop(zone="Europe/Zurich")))
    assert found.since == (datetime.fromisoformat(since) if since else None)
    assert found.until == (datetime.fromisoformat(until) if until else None)
    assert (found == ALL_TIME) == (not asked)
