"""Activities over HTTP: told of, fetched, settled; by the key of a worker alone."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.store import tables
from engine.store.session import Database

TYPE: dict[str, Any] = {
    "title": "Add points", "icon": "gift", "queue": "tills", "timeout": "5s",
    "parameters": {
        "type": "object", "required": ["points"],
        "properties": {"points": {"type": "integer", "minimum": 1}},
    },
    "result": {
        "type": "object", "required": ["balance"], "properties": {"balance": {"type": "integer"}},
    },
}  # fmt: skip
JOURNEY = {
    "id": "j", "name": "j", "entry": {"on": {"event": "Go"}},
    "exits": [{"on": {"event": "Order Completed"}, "reason": "purchased"}],
    "steps": [
        {"id": "points", "type": "activity", "activity": "add_points",
         "parameters": {"points": "{{ event.n }}"},
         "on_error": [{"id": "sorry", "type": "wait", "for": "1h"}]},
        {"id": "rest", "type": "wait", "for": "1d"},
    ],
}  # fmt: skip


class Story:
    """One customer whose run is at its activity, and a worker that carries it out."""

    def __init__(self, client: TestClient, database: Database, worker: dict[str, str]) -> None:
        self.client, self.database, self.worker = client, database, worker

    def begin(self, **properties: Any) -> None:
        assert self.ask("PUT", "/v1/activities/add_points", TYPE).status_code == 200
        save_journey(self.database, Journey.model_validate(JOURNEY), actor=COMMAND_LINE)
        publish(self.database, "j", actor=COMMAND_LINE)
        self.track("Customer Identified", "identify", traits={"email": "ada@example.com"})
        self.track("Go", properties=properties)

    def track(self, name: str, kind: str = "track", **more: Any) -> None:
        told = Incoming(
            source="test", message_id=uuid4().hex, kind=kind, name=name, user_id="ada", **more
        )
        receive(self.database, [told])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.request(method, path, json=body, headers=self.worker)

    def row(self) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(tables.run)).one()

    @property
    def call(self) -> str:
        return f"/v1/calls/{self.row().id}.1.points"

    def traced(self) -> list[tuple[str, Any]]:
        with self.database.read() as connection:
            rows = connection.execute(select(tables.run_trace).order_by(tables.run_trace.c.n))
            return [(row.what, row.data) for row in rows]


@pytest.fixture
def story(client: TestClient, database: Database, key: Callable[[str], str]) -> Story:
    return Story(client, database, {"Authorization": f"Bearer {key('worker')}"})


def test_a_worker_tells_of_an_activity(story: Story, admin: dict[str, str]) -> None:
    answer = story.ask("PUT", "/v1/activities/add_points", TYPE)
    assert (answer.status_code, answer.json()["retry_for"]) == (200, "1d")
    revision = text("SELECT revision FROM workspace")
    with story.database.read() as connection:
        before = connection.execute(revision).scalar_one()
    story.ask("PUT", "/v1/activities/add_points", TYPE)
    with story.database.read() as connection:
        assert connection.execute(revision).scalar_one() == before  # nothing new in it
    [listed] = story.client.get("/v1/activities", headers=admin).json()["items"]
    assert (listed["name"], listed["title"], listed["silent"]) == (
        "add_points",
        "Add points",
        False,
    )
    old = text("UPDATE activity_type SET seen_at = now() - interval '1 hour'")
    story.database.transact(lambda connection: connection.execute(old))
    [listed] = story.client.get("/v1/activities", headers=admin).json()["items"]
    assert listed["silent"] is True
    assert story.client.delete("/v1/activities/add_points", headers=admin).status_code == 204
    assert story.client.delete("/v1/activities/add_points", headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"queue": "parcours-email"}, "the queue parcours-email is taken"),
        ({"timeout": "2h"}, "from 1s to 1h"),
        ({"name": "other"}, "they must agree"),
        ({"result": {"properties": {"outcome": {}}}}, "`outcome` is every step's own"),
        ({"colour": "red"}, "this key is not known here"),
    ],
)
def test_a_mistake_in_it_is_told(story: Story, changes: Any, sentence: str) -> None:
    answer = story.ask("PUT", "/v1/activities/add_points", {**TYPE, **changes})
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_a_call_is_fetched_and_its_result_told(story: Story) -> None:
    story.begin(n="7")
    given = story.ask("GET", story.call).json()
    assert given["parameters"] == {"points": 7}
    assert (given["activity"], given["journey"], given["step"]) == ("add_points", "j", "points")
    assert given["customer"]["external_id"] == "ada"
    assert given["customer"]["addresses"] == {"email": "ada@example.com"}
    assert story.ask("GET", story.call).json()["key"] == given["key"]
    call = story.call
    answer = story.ask("POST", call, {"result": {"balance": "107"}})
    assert (answer.status_code, answer.json()) == (200, {"counts": True})
    assert story.row().state["results"] == {"points": {"balance": 107}}
    assert story.row().step == "rest"
    # The answer was lost, and it is told again.
    assert story.ask("POST", call, {"result": {"balance": 5}}).json() == {"counts": False}
    assert story.row().state["results"] == {"points": {"balance": 107}}
    assert story.traced()[-1][0] == "call_late"
    over = story.ask("GET", call)
    assert (over.status_code, "is over" in over.json()["detail"]) == (410, True)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"error": "no account"}, 200, "gave_up"),
        ({"result": {}}, 422, "bad_result"),
        ({"result": {"balance": "much"}}, 422, "bad_result"),
        ({"result": {"balance": 1, "more": "x" * 33_000}}, 422, "bad_result"),
    ],
)
def test_what_goes_wrong_goes_its_own_way(
    story: Story, body: Any, status: int, reason: str
) -> None:
    story.begin(n=7)
    assert story.ask("POST", story.call, body).status_code == status
    assert story.row().step == "sorry"
    assert dict(story.traced())["call_failed"]["reason"] == reason


def test_parameters_that_do_not_fit_fail_the_call(story: Story) -> None:
    story.begin(n=0)
    answer = story.ask("GET", story.call)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "The call has failed: points: at least 1."
    assert story.row().step == "sorry"


def test_a_result_after_an_exit_changes_nothing(story: Story) -> None:
    story.begin(n=7)
    call = story.call
    story.track("Order Completed")
    assert story.ask("POST", call, {"result": {"balance": 1}}).json() == {"counts": False}
    assert story.row().end_reason == "purchased"
    assert story.row().state["results"] == {}


def test_what_is_no_call_is_not_found(story: Story) -> None:
    story.begin(n=7)
    run = story.row().id
    for call in ("x", f"{run}.2.points", f"{run}.1.rest", f"{uuid4()}.1.points", f"{run}.0.points"):
        assert story.ask("GET", f"/v1/calls/{call}").status_code == 404, call
        told = story.ask("POST", f"/v1/calls/{call}", {"result": {"balance": 1}})
        assert told.status_code == 404, call
    for body in ({}, {"result": 1}, {"error": 1}, {"result": {}, "error": "x"}):
        assert story.ask("POST", story.call, body).status_code == 400, body
    assert story.row().step == "points"
