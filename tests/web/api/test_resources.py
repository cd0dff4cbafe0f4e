from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from engine.store.session import Database

TEMPLATE = {
    "id": "hello",
    "name": "Hello",
    "channel": "email",
    "locales": {"en": {"subject": "Hi", "body": "Hello {{ customer.first_name }}"}},
}
JOURNEY = {
    "format": 1,
    "id": "welcome",
    "name": "Welcome",
    "topic": "news",
    "entry": {"on": {"event": "Signed Up"}},
    "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "hello"}],
}
YAML = """\
id: welcome
name: Welcome
topic: news
entry: {on: {api: true}}
steps:
  - {id: mail, type: send, channel: email, template: hello}
"""


class Shop:
    """The interface as an administrator of the shop uses it."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    def ask(self, method: str, path: str, **more: Any) -> Any:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, params=query)

    def put(self, path: str, document: Any) -> Any:
        return self.ask("PUT", path, json=document)

    def post(self, path: str, document: Any = None) -> Any:
        return self.ask("POST", path, json=document)


@pytest.fixture
def shop(client: TestClient, admin: dict[str, str]) -> Shop:
    return Shop(client, admin)


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/v1/templates/hello", TEMPLATE),
        ("/v1/segments/gold", {"id": "gold", "name": "Gold", "rule": {"trait": "t", "eq": "g"}}),
        (
            "/v1/segments/web",
            {
                "id": "web",
                "name": "Web",
                "rule": {
                    "event": "Order Completed",
                    "sum": "total",
                    "gte": 100,
                    "where": {"property": "shop", "eq": "web"},
                },
            },
        ),
        ("/v1/caps/week", {"id": "week", "channels": ["email"], "limit": 3, "per": "7d"}),
        ("/v1/snippets/foot", {"id": "foot", "name": "Foot", "locales": {"en": "Bye"}}),
        ("/v1/journeys/welcome", JOURNEY),
    ],
)
def test_what_is_put_can_be_read_listed_put_back_and_deleted(
    shop: Shop, path: str, document: dict[str, Any]
) -> None:
    collection = path.rpartition("/")[0]
    assert shop.get(path).status_code == 404
    assert shop.get(collection).json() == {"items": [], "next": None}
    assert shop.put(path, document).status_code == 201
    read = shop.get(path).json()
    assert document.items() <= read.items()
    assert shop.get(collection).json() == {"items": [read], "next": None}
    assert shop.put(path, read).status_code == 200
    assert shop.get(path).json() == read
    assert shop.ask("DELETE", path).status_code == 204
    assert shop.ask("DELETE", path).status_code == 404


@pytest.mark.parametrize(
    ("path", "document", "words"),
    [
        ("/v1/templates/x", {**TEMPLATE, "id": "y"}, "must agree"),
        ("/v1/templates/x", {"name": "X", "channel": "fax", "locales": {}}, "channel"),
        ("/v1/segments/x", {"name": "X", "rule": {"colour": "red"}}, "starts with one of"),
        ("/v1/segments/x", {"name": "X", "rule": {"step": "a", "is": "sent"}}, "no journey"),
        ("/v1/segments/x", {"name": "X", "rule": {"property": "a", "eq": 1}}, "of no event"),
        (
            "/v1/segments/x",
            {"name": "X", "rule": {"result": {"step": "crm", "name": "a"}, "eq": 1}},
            "no journey",
        ),
        (
            "/v1/segments/x",
            {"name": "X", "rule": {"event": "A", "sum": "b", "gte": 1, "message": "m"}},
            "the message of m",
        ),
        ("/v1/segments/x", {"name": "X", "rule": {"segment": "none"}}, "no segment none"),
        ("/v1/segments/x", {"name": "X", "rule": {"not": {"segment": "x"}}}, "by itself: x → x"),
        ("/v1/caps/x", {"limit": -1, "per": "7 days"}, "per"),
        ("/v1/snippets/x", {"name": "X", "locales": {}}, "locales"),
        ("/v1/coupons/x", {"name": "X", "kind": "generated"}, "six X or more"),
        ("/v1/caps/a b", {"limit": 1, "per": "7d"}, "id"),
        ("/v1/workspace", {"time_zone": "Mars/Olympus"}, "no time zone"),
        ("/v1/workspace", {"quiet_hours": {"email": {"from": 600, "to": "08:00"}}}, "quotes"),
        ("/v1/customers/external_id:1", {"colour": "red"}, "not known"),
        ("/v1/customers/external_id:1", {"traits": []}, "traits"),
        ("/v1/customers/external_id:1", {"identities": ["loyalty:1"]}, "identities"),
        ("/v1/customers/external_id:1", {"time_zone": "Mars/Olympus"}, "no time zone"),
        ("/v1/customers/external_id:1", {"traits": {"phone": "12"}}, "no phone number"),
        ("/v1/customers/external_id:1", {"traits": {"email": "a@"}}, "no email address"),
        ("/v1/customers/external_id:1", {"addresses": {"fax": "1"}}, "no kind of address"),
        ("/v1/customers/external_id:1", {"id": "external_id:2"}, "must agree"),
        ("/v1/customers/external_id:", {}, "namespace:value"),
        ("/v1/journeys/x", {**JOURNEY, "id": "y"}, "must agree"),
    ],
)
def test_a_document_with_mistakes_is_refused_in_words(
    shop: Shop, path: str, document: dict[str, Any], words: str
) -> None:
    answer = shop.put(path, document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/templates/x", "/v1/journeys/x", "/v1/customers/a:b"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"name": "\\u0000"}', b'{"a":' * 300 + b"1" + b"}" * 300]
)
def test_a_malformed_body_is_400(shop: Shop, path: str, body: bytes) -> None:
    assert shop.ask("PUT", path, content=body).status_code == 400


def test_a_body_without_end_is_413(shop: Shop) -> None:
    assert shop.ask("PUT", "/v1/templates/x", content=b" " * 5_000_001).status_code == 413


def test_a_journey_in_yaml_is_named_by_line_and_step(shop: Shop) -> None:
    wrong = YAML.replace("channel: email", "channel: fax")
    for content_type in ("application/yaml", "text/yaml; charset=utf-8"):
        headers = {"Content-Type": content_type}
        answer = shop.ask("PUT", "/v1/journeys/welcome", content=wrong, headers=headers)
        assert answer.status_code == 422
        problem = answer.json()["problems"][0]
        assert (problem["line"], problem["step"]) == (6, "mail")
        assert problem["path"][:3] == ["steps", 0, "channel"]
    answer = shop.ask(
        "PUT", "/v1/journeys/welcome", content=YAML, headers={"Content-Type": "application/yaml"}
    )
    assert answer.status_code == 201
    assert [problem["step"] for problem in answer.json()["problems"]] == ["mail"]


def test_a_journey_in_json_is_named_by_line_too(shop: Shop) -> None:
    body = b'{"id": "welcome", "name": "W",\n"entry": {"on": {"api": true}},\n"steps": [{"id": "a",\n"type": "dance"}]}'
    answer = shop.ask("PUT", "/v1/journeys/welcome", content=body)
    assert answer.status_code == 422
    assert [problem["line"] for problem in answer.json()["problems"]] == [3]


def test_publishing_refuses_mistakes_and_makes_no_empty_version(shop: Shop) -> None:
    assert shop.post("/v1/journeys/welcome/publish").status_code == 404
    shop.put("/v1/journeys/welcome", JOURNEY)
    assert shop.post("/v1/journeys/welcome/pause").status_code == 409
    answer = shop.post("/v1/journeys/welcome/publish")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["step"] == "mail"
    assert shop.get("/v1/journeys/welcome").json()["state"] == "draft"
    shop.put("/v1/templates/hello", TEMPLATE)
    for _ in range(2):
        published = shop.post("/v1/journeys/welcome/publish").json()
        assert (published["state"], published["version"]) == ("live", 1)
    shop.put("/v1/journeys/welcome", {**JOURNEY, "priority": 70})
    assert shop.get("/v1/journeys/welcome").json()["version"] == 1
    assert shop.post("/v1/journeys/welcome/publish").json()["version"] == 2


def test_a_journey_can_be_paused_and_resumed(shop: Shop) -> None:
    shop.put("/v1/templates/hello", TEMPLATE)
    shop.put("/v1/journeys/welcome", JOURNEY)
    shop.post("/v1/journeys/welcome/publish")
    for verb, state in (("pause", "paused"), ("pause", "paused"), ("resume", "live")):
        assert shop.post(f"/v1/journeys/welcome/{verb}").json()["state"] == state
    assert shop.ask("DELETE", "/v1/journeys/welcome").status_code == 409


def test_a_journey_is_archived_and_restored(shop: Shop) -> None:
    shop.put("/v1/templates/hello", TEMPLATE)
    shop.put("/v1/journeys/welcome", {**JOURNEY, "entry": {"on": {"api": True}}})
    shop.post("/v1/journeys/welcome/publish")
    shop.put("/v1/customers/external_id:ann", {"traits": {"email": "ann@example.com"}})
    entry = {"customer": "external_id:ann"}
    entries = "/v1/journeys/welcome/entries"
    assert shop.post(entries, entry).status_code == 202
    refused = shop.post("/v1/journeys/welcome/archive")
    assert refused.status_code == 409
    assert "say whether she ends there or finishes" in refused.json()["detail"]
    assert shop.post("/v1/journeys/welcome/archive?inside=sleep").status_code in {400, 422}
    archived = shop.post("/v1/journeys/welcome/archive?inside=end")
    assert (archived.status_code, archived.json()["state"]) == (200, "archived")
    assert shop.post("/v1/journeys/welcome/archive").json()["state"] == "archived"
    for path in ("pause", "resume", "publish"):
        assert shop.post(f"/v1/journeys/welcome/{path}").status_code == 409
    late = shop.post(entries, entry)
    assert (late.status_code, "archived" in late.json()["detail"]) == (409, True)
    assert shop.post("/v1/journeys/welcome/restore").json()["state"] == "paused"
    assert shop.post("/v1/journeys/welcome/restore").status_code == 409
    assert shop.post("/v1/journeys/nobody/archive").status_code == 404


def test_what_a_live_journey_uses_cannot_be_taken_away(shop: Shop) -> None:
    shop.put("/v1/templates/hello", TEMPLATE)
    shop.put("/v1/segments/gold", {"name": "Gold", "rule": {"trait": "tier", "eq": "gold"}})
    shop.put("/v1/segments/best", {"name": "Best", "rule": {"segment": "gold"}})
    journey = {**JOURNEY, "entry": {"on": {"event": "A"}, "if": {"segment": "best"}}}
    shop.put("/v1/journeys/welcome", journey)
    assert shop.post("/v1/journeys/welcome/publish").status_code == 200
    for path in ("/v1/templates/hello", "/v1/segments/gold", "/v1/segments/best"):
        answer = shop.ask("DELETE", path)
        assert answer.status_code == 409
    assert shop.put("/v1/templates/hello", {**TEMPLATE, "channel": "sms"}).status_code == 409
    loop = {"name": "Gold", "rule": {"segment": "best"}}
    assert "gold → best → gold" in shop.put("/v1/segments/gold", loop).json()["detail"]


def test_a_segment_tells_its_size_and_who_is_in_it(shop: Shop, database: Database) -> None:
    shop.put("/v1/segments/gold", {"name": "Gold", "rule": {"trait": "tier", "eq": "gold"}})
    for n in range(3):
        shop.put(f"/v1/customers/external_id:{n}", {"traits": {"tier": "gold"}})
    member = text(
        "INSERT INTO membership (customer_id, segment_id, inside, since) "
        "SELECT customer_id, 'gold', value <> '2', '2026-01-02T03:04:05Z' FROM identity "
        "WHERE namespace = 'external_id' "
        "ON CONFLICT (customer_id, segment_id) DO UPDATE "
        "SET inside = excluded.inside, since = excluded.since"
    )
    database.transact(lambda connection: connection.execute(member))
    database.transact(lambda c: c.execute(text("UPDATE segment SET state = 'ready'")))
    read = shop.get("/v1/segments/gold").json()
    assert (read["size"], read["state"]) == (2, "ready")
    assert shop.get("/v1/segments").json()["items"] == [read]
    assert shop.put("/v1/segments/gold", read).status_code == 200
    first = shop.get("/v1/segments/gold/customers", limit=1).json()
    second = shop.get("/v1/segments/gold/customers", limit=1, cursor=first["next"]).json()
    found = [*first["items"], *second["items"]]
    assert second["next"] is None
    assert [one["identities"][0]["value"] for one in found] == ["1", "0"]
    assert found[0]["since"] == "2026-01-02T03:04:05Z"
    assert shop.get("/v1/customers/external_id:1").json()["segments"] == ["gold"]
    assert shop.get("/v1/customers/external_id:2").json()["segments"] == []
    assert shop.get("/v1/segments/none/customers").status_code == 404


def test_every_change_raises_the_revision(shop: Shop, database: Database) -> None:
    def revision() -> int:
        with database.read() as connection:
            return connection.execute(text("SELECT revision FROM workspace")).scalar_one()

    seen = [revision()]
    for change in (
        lambda: shop.put("/v1/templates/hello", TEMPLATE),
        lambda: shop.put("/v1/journeys/welcome", JOURNEY),
        lambda: shop.post("/v1/journeys/welcome/publish"),
        lambda: shop.post("/v1/journeys/welcome/pause"),
        lambda: shop.put("/v1/workspace", {"time_zone": "Europe/Paris"}),
        lambda: shop.put("/v1/caps/c", {"limit": 1, "per": "1d"}),
        lambda: shop.ask("DELETE", "/v1/caps/c"),
    ):
        assert change().is_success
        seen.append(revision())
    assert sorted(set(seen)) == seen
    assert shop.put("/v1/caps/c", {"limit": "x"}).status_code == 422
    assert revision() == seen[-1]


def test_the_workspace_has_no_quiet_hours_until_given(shop: Shop) -> None:
    assert shop.get("/v1/workspace").json()["quiet_hours"] == {}
    settings = {"time_zone": "Europe/Paris", "locale": "fr", "currency": "EUR",
                "quiet_hours": {"sms": {"from": "20:00", "to": "08:00"}}}  # fmt: skip
    assert shop.put("/v1/workspace", settings).status_code == 200
    assert settings.items() <= shop.get("/v1/workspace").json().items()


def test_a_customer_is_made_replaced_and_found_by_every_name(shop: Shop) -> None:
    record = {
        "traits": {"email": "Ann@Example.com", "phone": "+41 44 668 18 00", "first_name": "Ann"},
        "identities": [{"namespace": "loyalty", "value": "L/1"}],
        "locale": "de-CH",
        "time_zone": "Europe/Zurich",
    }
    made = shop.put("/v1/customers/external_id:42", record)
    assert made.status_code == 201
    customer = made.json()
    assert customer["addresses"] == {"email": "Ann@example.com", "phone": "+41446681800"}
    for name in (
        "external_id:42",
        "email:ann@example.com",
        "phone:+41446681800",
        "loyalty:L%2F1",
        customer["id"],
    ):
        assert shop.get(f"/v1/customers/{name}").json() == customer
    assert shop.put("/v1/customers/external_id:42", customer).json() == customer
    replaced = shop.put(f"/v1/customers/{customer['id']}", {"traits": {"a": 1}}).json()
    assert (replaced["traits"], replaced["addresses"]) == ({"a": 1}, {})
    assert len(replaced["identities"]) == 2
    for unknown in ("external_id:7", "email:x@example.com", "nobody", customer["id"][:-1] + "x"):
        assert shop.get(f"/v1/customers/{unknown}").status_code == 404
    assert shop.put("/v1/customers/email:new@example.com", {}).status_code == 404


def test_an_identity_belongs_to_one_customer(shop: Shop) -> None:
    card = [{"namespace": "loyalty", "value": "7"}]
    shop.put("/v1/customers/external_id:1", {"identities": card, "traits": {"a": 1}})
    answer = shop.put("/v1/customers/external_id:2", {"identities": card})
    assert answer.status_code == 409
    assert shop.get("/v1/customers/external_id:2").status_code == 404


def test_a_shared_address_names_nobody(shop: Shop) -> None:
    for number in (1, 2):
        traits = {"email": "family@example.com"}
        shop.put(f"/v1/customers/external_id:{number}", {"traits": traits})
    assert shop.get("/v1/customers/email:family@example.com").status_code == 409


def test_customers_are_listed_in_pages_and_searched(shop: Shop) -> None:
    for number in range(25):
        shop.put(f"/v1/customers/external_id:c{number}", {"traits": {"last_name": f"N{number}%"}})
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        page = shop.get("/v1/customers", **query).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 25
    assert len(shop.get("/v1/customers", query="c1").json()["items"]) == 11
    assert len(shop.get("/v1/customers", query="n2").json()["items"]) == 6
    assert shop.get("/v1/customers", query="%").json()["items"] == []
    for wrong in ({"cursor": "x"}, {"cursor": "WzFd"}, {"limit": 0}, {"limit": 1001}):
        assert shop.get("/v1/customers", **wrong).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"result": "lost"},
        {"channel": "fax"},
        {"since": "yesterday"},
        {"cursor": "%00"},
        {"limit": "many"},
    ],
)
def test_a_wrong_filter_is_refused(shop: Shop, query: dict[str, str]) -> None:
    assert shop.get("/v1/messages", **query).status_code == 422


def test_a_name_that_no_database_holds_is_no_crash(shop: Shop) -> None:
    assert shop.get("/v1/customers/external_id:%00").status_code == 404
    assert shop.get("/v1/journeys/%00").status_code == 400
    assert shop.get("/v1/messages", journey="\0").status_code == 400


def test_unknown_paths_and_methods_are_problems(shop: Shop) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("PATCH", "/v1/workspace", 405),
        ("GET", "/v1/track", 405),
    ):
        answer = shop.ask(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_counters_trace_and_ledger_follow_a_run(
    shop: Shop, send: Callable[..., Any], database: Database
) -> None:
    shop.put("/v1/templates/hello", TEMPLATE)
    shop.put("/v1/journeys/welcome", JOURNEY)
    shop.post("/v1/journeys/welcome/publish")
    identify = {"type": "identify", "userId": "42", "traits": {"email": "ann@example.com"}}
    signed_up = {"type": "track", "userId": "42", "event": "Signed Up"}
    assert send("/v1/batch", {"batch": [identify, signed_up, signed_up]}).is_success
    counted = shop.get("/v1/journeys/welcome/counters").json()
    assert (counted["entered"], counted["active"], counted["ended"]) == (1, 1, 0)
    assert counted["steps"]["mail"]["entered"] == 1
    assert counted["steps"]["mail"]["waiting"] == 1
    assert shop.get("/v1/journeys/welcome/counters", version=1).json()["entered"] == 1
    assert shop.get("/v1/journeys/welcome/counters", version=2).json()["entered"] == 0
    assert shop.get("/v1/journeys/none/counters").status_code == 404
    path, past = "/v1/journeys/welcome/counters", "2020-01-01T00:00:00Z"
    since, before = shop.get(path, **{"from": past}).json(), shop.get(path, to=past).json()
    assert (since["entered"], since["steps"]["mail"]["entered"]) == (1, 1)
    assert (before["entered"], before["steps"]["mail"]["entered"]) == (0, 0)
    assert (before["active"], before["steps"]["mail"]["waiting"]) == (1, 1)
    for wrong in (
        {"from": "yesterday"},
        {"to": "2020-01-01T00:00:00"},
        {"from": "2021-01-01T00:00:00Z", "to": past},
    ):
        answer = shop.get(path, **wrong)
        assert answer.status_code in {400, 422}, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    items = shop.get("/v1/customers/external_id:42/trace").json()["items"]
    assert [item["what"] for item in items] == ["entered", "reached", "refused"]
    assert items[-1]["reason"] == "running"
    first = shop.get("/v1/customers/external_id:42/trace", limit=2).json()
    rest = shop.get("/v1/customers/external_id:42/trace", cursor=first["next"]).json()
    assert first["items"] + rest["items"] == items
    run = items[0]["run"]
    assert len(shop.get("/v1/customers/external_id:42/trace", run=run).json()["items"]) == 2
    for query in (
        {}, {"customer": "external_id:42"}, {"journey": "welcome"}, {"step": "mail"},
        {"channel": "email"},
    ):  # fmt: skip
        (message,) = shop.get("/v1/messages", **query).json()["items"]
        unset = ("offer", "segments", "cost", "first_deferred_at", "opened_at", "unsubscribed_at")
        assert [message[name] for name in unset] == [None] * len(unset)
    for query in ({"reason": "cap"}, {"rule": "r"}, {"topic": "no"}, {"channel": "sms"}):
        assert shop.get("/v1/messages", **query).json()["items"] == []
    assert shop.get("/v1/messages", customer="external_id:7").status_code == 404


def test_an_entry_is_asked_for_once_a_message_id(
    shop: Shop, key: Callable[[str], str], database: Database, gateway: Any
) -> None:
    shop.put("/v1/templates/hello", TEMPLATE)
    shop.put("/v1/customers/external_id:42", {"traits": {"email": "ann@example.com"}})
    shop.ask(
        "PUT", "/v1/journeys/welcome", content=YAML, headers={"Content-Type": "application/yaml"}
    )
    path = "/v1/journeys/welcome/entries"
    entry = {"customer": "external_id:42", "properties": {"a": 1}, "messageId": "m1"}
    assert shop.post(path, entry).status_code == 409
    assert shop.post("/v1/journeys/welcome/publish").status_code == 200
    shop.headers = {"Authorization": f"Bearer {key('source')}"}
    for _ in range(2):
        answer = shop.post(path, entry)
        assert answer.status_code == 202
        assert answer.json()["messageId"] == "m1"
    with database.read() as connection:
        runs = connection.execute(text("SELECT entry_source FROM run")).all()
    assert [run.entry_source for run in runs] == ["api"]
    assert len(gateway.wakes) == 1
    assert shop.post("/v1/journeys/none/entries", entry).status_code == 404
    assert shop.post(path, {"customer": "external_id:7"}).status_code == 404
    for wrong in ({}, {"customer": 7}, {**entry, "properties": []}, {**entry, "colour": "red"}):
        assert shop.post(path, wrong).status_code == 422


def test_a_pool_of_codes_is_filled_and_counted(shop: Shop) -> None:
    path = "/v1/coupons/spring"
    assert shop.put(path, {"name": "Spring", "expires": "2026-03-31"}).status_code == 201
    assert shop.post(f"{path}/codes", {"codes": ["A1", "A2"]}).json() == {"added": 2, "known": 0}
    assert shop.post(f"{path}/codes", {"codes": ["A2", "A3"]}).json() == {"added": 1, "known": 1}
    read = shop.get(path).json()
    assert (read["given"], read["left"], read["expires"]) == (0, 3, "2026-03-31")
    assert shop.put(path, read).status_code == 200
    assert [one["id"] for one in shop.get("/v1/coupons").json()["items"]] == ["spring"]
    assert shop.post(f"{path}/codes", {"codes": ["with space"]}).status_code == 422
    assert shop.post("/v1/coupons/none/codes", {"codes": ["A"]}).status_code == 404
    assert shop.ask("DELETE", path).status_code == 204
    assert shop.get(path).status_code == 404


NEWS = {"id": "news", "name": "News", "default": "unsubscribed", "double_opt_in": True}


def test_topics_are_put_listed_and_deleted(shop: Shop) -> None:
    assert shop.put("/v1/topics/offers", {"name": "Offers"}).status_code == 201
    assert shop.put("/v1/topics/news", NEWS).status_code == 201
    found = shop.get("/v1/topics/offers").json()
    assert (found["default"], found["double_opt_in"]) == ("subscribed", False)
    assert [item["id"] for item in shop.get("/v1/topics").json()["items"]] == ["news", "offers"]
    assert shop.ask("DELETE", "/v1/topics/news").status_code == 204
    assert shop.get("/v1/topics/news").status_code == 404
    assert shop.put("/v1/topics/x", {"name": "x", "default": "maybe"}).status_code == 422


def test_a_topic_that_a_live_journey_sends_stays(shop: Shop) -> None:
    shop.put("/v1/templates/hello", TEMPLATE)
    shop.put("/v1/journeys/welcome", JOURNEY)
    assert shop.post("/v1/journeys/welcome/publish").status_code == 200
    assert shop.get("/v1/topics/news").json()["name"] == "news"  # nobody had defined it
    refused = shop.ask("DELETE", "/v1/topics/news")
    assert refused.status_code == 409
    assert "welcome" in refused.json()["detail"]


def test_what_a_customer_wants_is_put_and_read(shop: Shop) -> None:
    shop.put("/v1/topics/offers", {"name": "Offers"})
    shop.put("/v1/topics/news", NEWS)
    said = [
        {"topic": "offers", "channel": "email", "state": "unsubscribed"},
        {"topic": "news", "channel": "email", "state": "subscribed"},
    ]
    put = shop.put("/v1/customers/external_id:ada", {"subscriptions": said})
    assert put.status_code == 201
    read = put.json()
    assert [(one["topic"], one["channel"], one["state"]) for one in read["subscriptions"]] == [
        ("news", "email", "pending"),  # it asks for her confirmation
        ("offers", "email", "unsubscribed"),
    ]
    assert {(one["how"], one["state"]) for one in read["consents"]} == {
        ("api", "unsubscribed"), ("api", "pending"),
    }  # fmt: skip
    again = shop.put("/v1/customers/external_id:ada", read)
    assert again.status_code == 200
    assert again.json()["consents"] == read["consents"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("news", "a list is needed"),
        (["news"], "write each like"),
        ([{"topic": "news", "channel": "email"}], "state"),
        ([{"topic": "news", "channel": "fax", "state": "subscribed"}], "channel"),
        ([{"topic": "nope", "channel": "email", "state": "subscribed"}], "no topic 'nope'"),
        ([{"topic": "plain", "channel": "email", "state": "pending"}], "asks for no confirmation"),
    ],
)
def test_what_cannot_be_wanted_is_refused_with_its_place(
    shop: Shop, said: Any, sentence: str
) -> None:
    shop.put("/v1/topics/news", NEWS)
    shop.put("/v1/topics/plain", {"name": "Plain"})
    refused = shop.put("/v1/customers/external_id:eve", {"subscriptions": said})
    assert refused.status_code == 422
    assert sentence in refused.json()["detail"]
    assert shop.get("/v1/customers/external_id:eve").status_code == 404
