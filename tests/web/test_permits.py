"""Who may pass where: every route of the application, every role, against one table."""

import re
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from designer import app as application
from designer.api import ROUTERS, segment
from designer.app import create_app
from designer.login.gate import is_public
from engine.settings import Settings
from engine.store import keys
from engine.store.keys import ROLES
from engine.store.session import Database
from engine.store.users import PEOPLE_ROLES
from tests.web.people import log_in, somebody

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient

ALL = {"viewer", "staff", "marketer", "publisher", "steward", "administrator"}
SEE = ALL - {"staff"}
WRITE = {"marketer", "publisher", "administrator"}
DECIDE = {"publisher", "administrator"}
RECORD = {"steward", "administrator"}
ADMIN = {"administrator"}

PAGES = {
    "POST /logout": ALL,
    "POST /preferences": ALL,
    "GET /": ALL,
    "GET /journeys": SEE,
    "POST /journeys/{journey_id}/pause": DECIDE,
    "POST /journeys/{journey_id}/resume": DECIDE,
    "GET /new": WRITE,
    "POST /new": WRITE,
    "GET /new/library/{ready}": WRITE,
    "POST /new/library/{ready}": WRITE,
    "GET /new/document": WRITE,
    "POST /new/document": WRITE,
    "GET /import": WRITE,
    "POST /import": WRITE,
    "GET /journeys/{journey_id}/file": SEE,
    "GET /journeys/{journey_id}/starts": SEE,
    "POST /journeys/{journey_id}/starts": DECIDE,
    "GET /journeys/{journey_id}/starts/new": DECIDE,
    "GET /journeys/{journey_id}/starts/now": SEE,
    "GET /journeys/{journey_id}/starts/{start_id}": SEE,
    "POST /journeys/{journey_id}/starts/{start_id}/stop": DECIDE,
    "GET /journeys/{journey_id}/versions": SEE,
    "GET /journeys/{journey_id}/versions/{version}": SEE,
    "POST /journeys/{journey_id}/versions/{version}/draft": WRITE,
    "GET /journeys/{journey_id}/archive": DECIDE,
    "POST /journeys/{journey_id}/archive": DECIDE,
    "POST /journeys/{journey_id}/restore": DECIDE,
    "POST /journeys/{journey_id}/ops": WRITE,
    "POST /journeys/{journey_id}/panel": WRITE,
    "POST /journeys/{journey_id}/settings": WRITE,
    "POST /journeys/{journey_id}/condition": WRITE,
    "POST /journeys/{journey_id}/preview": WRITE,
    "GET /journeys/{journey_id}/customers": SEE,
    "POST /journeys/{journey_id}/customers": DECIDE,
    "POST /journeys/{journey_id}/customers/export": SEE,
    "GET /journeys/{journey_id}/interventions/{intervention}": SEE,
    "POST /journeys/{journey_id}/interventions/{intervention}": DECIDE,
    "POST /journeys/{journey_id}/interventions/{intervention}/cancel": DECIDE,
    "GET /journeys/{journey_id}/document": SEE,
    "POST /documents/check": SEE,
    "POST /journeys/{journey_id}/document": WRITE,
    "GET /journeys/{journey_id}/publish": DECIDE,
    "POST /journeys/{journey_id}/publish": DECIDE,
    "GET /journeys/{journey_id}": SEE,
    "GET /journeys/{journey_id}/panel": SEE,
    "GET /journeys/{journey_id}/counters/stream": SEE,
    "GET /journeys/{journey_id}/walk": SEE,
    "POST /journeys/{journey_id}/walk": SEE,
    "GET /segments": SEE,
    "GET /segments/new": WRITE,
    "POST /segments/new": WRITE,
    "POST /segments/rows": WRITE,
    "POST /segments/condition": WRITE,
    "POST /segments/as-file": WRITE,
    "POST /segments/as-rows": WRITE,
    "POST /segments/check": WRITE,
    "GET /segments/{segment_id}": SEE,
    "GET /segments/{segment_id}/edit": WRITE,
    "POST /segments/{segment_id}/edit": WRITE,
    "GET /segments/{segment_id}/document": WRITE,
    "POST /segments/{segment_id}/document": WRITE,
    "GET /segments/{segment_id}/delete": WRITE,
    "POST /segments/{segment_id}/delete": WRITE,
    "POST /segments/{segment_id}/customers/export": SEE,
    "GET /templates": SEE,
    "GET /templates/new": WRITE,
    "POST /templates/new": WRITE,
    "GET /templates/people": SEE,
    "GET /templates/{template_id}": SEE,
    "POST /templates/{template_id}": WRITE,
    "POST /templates/{template_id}/locales": WRITE,
    "POST /templates/{template_id}/preview": SEE,
    "POST /templates/{template_id}/test": WRITE,
    "GET /messages": SEE,
    "GET /messages/{message_id}": SEE,
    "GET /messages/{message_id}/body": SEE,
    "GET /manners": SEE,
    "POST /manners/settings": ADMIN,
    "GET /manners/rules/new": DECIDE,
    "POST /manners/rules/new": DECIDE,
    "POST /manners/sentence": DECIDE,
    "GET /manners/rules/{rule}": SEE,
    "POST /manners/rules/{rule}": DECIDE,
    "POST /manners/rules/{rule}/delete": DECIDE,
    "GET /customers": ALL,
    "GET /customers/{reference}": ALL,
    "GET /customers/{reference}/merge": RECORD,
    "GET /duplicates": ALL,
    "POST /duplicates/merge": RECORD,
    "POST /duplicates/decide": RECORD,
    "GET /merges": ALL,
    "POST /merges/{merge}/undo": RECORD,
    "GET /imports": RECORD,
    "POST /imports": RECORD,
    "GET /imports/{job}": RECORD,
    "POST /imports/{job}/columns": RECORD,
    "POST /imports/{job}/start": RECORD,
    "POST /imports/{job}/again": RECORD,
    "POST /imports/{job}/cancel": RECORD,
    "GET /imports/{job}/rejects": RECORD,
    "GET /catalogue": SEE,
    "POST /catalogue/settings": ADMIN,
    "GET /catalogue/products/{sku:path}": SEE,
    "GET /catalogue/shops": SEE,
    "GET /catalogue/orders": SEE,
    "GET /catalogue/orders/{source}/{order:path}": SEE,
    "GET /outbox": SEE,
    "GET /outbox/{message_id}": SEE,
    "GET /outbox/{message_id}/body": SEE,
    "GET /events": SEE,
    "GET /events/stream": SEE,
    "POST /demo/visits": ADMIN,
    "GET /traits": SEE,
    "POST /traits/ready": WRITE,
    "GET /traits/new": WRITE,
    "POST /traits/new": WRITE,
    "GET /traits/{trait_id}": SEE,
    "POST /traits/{trait_id}": WRITE,
    "POST /traits/{trait_id}/delete": WRITE,
    "GET /scores/new": WRITE,
    "POST /scores/new": WRITE,
    "GET /scores/{score_id}": SEE,
    "POST /scores/{score_id}": WRITE,
    "POST /scores/{score_id}/delete": WRITE,
    "GET /topics": SEE,
    "GET /topics/new": DECIDE,
    "GET /topics/{topic_id}": SEE,
    "POST /topics/new": DECIDE,
    "POST /topics/{topic_id}": DECIDE,
    "POST /topics/{topic_id}/delete": DECIDE,
    "GET /account": ALL,
    "POST /account": ALL,
    "POST /account/password": ALL,
    "POST /account/sessions/{session}/end": ALL,
    "GET /settings/people": ADMIN,
    "POST /settings/people": ADMIN,
    "POST /settings/people/{user}/link": ADMIN,
    "POST /settings/people/{user}/role": ADMIN,
    "POST /settings/people/{user}/disable": ADMIN,
    "POST /settings/people/{user}/enable": ADMIN,
    "GET /settings/keys": ADMIN,
    "POST /settings/keys": ADMIN,
    "POST /settings/keys/{key}/revoke": ADMIN,
    "GET /settings/changes": RECORD,
}
"""Which people may pass; the operator may wherever an administrator may."""

OPEN = {
    "GET /login",
    "POST /login",
    "GET /password",
    "POST /password",
    "GET /l/{token:path}",
    "HEAD /l/{token:path}",
    "GET /u/{token:path}",
    "HEAD /u/{token:path}",
    "POST /u/{token:path}",
    "GET /preferences/{token:path}",
    "HEAD /preferences/{token:path}",
    "POST /preferences/{token:path}",
    "GET /c/{token:path}",
    "HEAD /c/{token:path}",
    "POST /c/{token:path}",
    "POST /hooks/sendgrid",
    "POST /hooks/twilio",
    "POST /hooks/shopify",
    "POST /hooks/prestashop",
    "GET /push/key",
    "GET /healthz",
    "GET /readyz",
}
"""Pages of strangers, and what is checked by a signature of its own."""

SENDS = {"source"}
ENTERS = {"source", *DECIDE}
STEWARD = {"steward", "administrator"}
FEEDS = {"source", *STEWARD}

INTERFACE = {
    "GET /v1/customers": ALL,
    "GET /v1/customers/{customer:path}/trace": ALL,
    "GET /v1/customers/{customer:path}": ALL,
    "PUT /v1/customers/{customer:path}": STEWARD,
    "POST /v1/customers/{customer:path}/merge": STEWARD,
    "GET /v1/duplicates": ALL,
    "PUT /v1/duplicates/{one}/{other}": STEWARD,
    "GET /v1/merges": ALL,
    "POST /v1/merges/{merge}/undo": STEWARD,
    "POST /v1/imports": STEWARD,
    "GET /v1/imports/{job}": STEWARD,
    "GET /v1/imports/{job}/rejects": STEWARD,
    "POST /v1/imports/{job}/start": STEWARD,
    "POST /v1/imports/{job}/cancel": STEWARD,
    "GET /v1/journeys": SEE,
    "GET /v1/journeys/{journey}": SEE,
    "PUT /v1/journeys/{journey}": WRITE,
    "DELETE /v1/journeys/{journey}": WRITE,
    "POST /v1/journeys/{journey}/publish": DECIDE,
    "POST /v1/journeys/{journey}/pause": DECIDE,
    "POST /v1/journeys/{journey}/resume": DECIDE,
    "POST /v1/journeys/{journey}/archive": DECIDE,
    "POST /v1/journeys/{journey}/restore": DECIDE,
    "GET /v1/journeys/{journey}/counters": SEE,
    "POST /v1/journeys/{journey}/starts": DECIDE,
    "GET /v1/journeys/{journey}/starts": SEE,
    "GET /v1/journeys/{journey}/starts/{start}": SEE,
    "POST /v1/journeys/{journey}/starts/{start}/stop": DECIDE,
    "GET /v1/activities": SEE,
    "PUT /v1/activities/{activity}": {"worker"},
    "DELETE /v1/activities/{activity}": DECIDE,
    "GET /v1/calls/{call}": {"worker"},
    "POST /v1/calls/{call}": {"worker"},
    "POST /v1/journeys/{journey}/entries": ENTERS,
    "GET /v1/segments": SEE,
    "GET /v1/segments/{segment}": SEE,
    "GET /v1/segments/{segment}/customers": SEE,
    "PUT /v1/segments/{segment}": WRITE,
    "DELETE /v1/segments/{segment}": WRITE,
    "GET /v1/templates": SEE,
    "GET /v1/templates/{template}": SEE,
    "PUT /v1/templates/{template}": WRITE,
    "DELETE /v1/templates/{template}": WRITE,
    "GET /v1/caps": SEE,
    "GET /v1/caps/{cap}": SEE,
    "PUT /v1/caps/{cap}": DECIDE,
    "DELETE /v1/caps/{cap}": DECIDE,
    "GET /v1/workspace": SEE,
    "PUT /v1/workspace": ADMIN,
    "GET /v1/snippets": SEE,
    "GET /v1/snippets/{snippet}": SEE,
    "PUT /v1/snippets/{snippet}": WRITE,
    "DELETE /v1/snippets/{snippet}": WRITE,
    "GET /v1/coupons": SEE,
    "GET /v1/coupons/{pool}": SEE,
    "PUT /v1/coupons/{pool}": DECIDE,
    "DELETE /v1/coupons/{pool}": DECIDE,
    "POST /v1/coupons/{pool}/codes": DECIDE,
    "GET /v1/traits": SEE,
    "GET /v1/traits/{trait}": SEE,
    "PUT /v1/traits/{trait}": WRITE,
    "DELETE /v1/traits/{trait}": WRITE,
    "GET /v1/scores": SEE,
    "GET /v1/scores/{score}": SEE,
    "PUT /v1/scores/{score}": WRITE,
    "DELETE /v1/scores/{score}": WRITE,
    "GET /v1/topics": SEE,
    "GET /v1/topics/{topic}": SEE,
    "PUT /v1/topics/{topic}": DECIDE,
    "DELETE /v1/topics/{topic}": DECIDE,
    "GET /v1/messages": SEE,
    "GET /v1/webhooks": ADMIN,
    "GET /v1/webhooks/{webhook}": ADMIN,
    "PUT /v1/webhooks/{webhook}": ADMIN,
    "DELETE /v1/webhooks/{webhook}": ADMIN,
    "GET /v1/webhooks/{webhook}/deliveries": ADMIN,
    "GET /v1/products": SEE,
    "POST /v1/products/batch": FEEDS,
    "GET /v1/products/{sku}": SEE,
    "PUT /v1/products/{sku}": FEEDS,
    "DELETE /v1/products/{sku}": FEEDS,
    "GET /v1/shops": SEE,
    "GET /v1/shops/{shop}": SEE,
    "PUT /v1/shops/{shop}": FEEDS,
    "DELETE /v1/shops/{shop}": FEEDS,
    "GET /v1/stock": SEE,
    "POST /v1/stock/batch": FEEDS,
    "PUT /v1/stock/{sku}/{shop}": FEEDS,
    "GET /v1/orders": ALL,
    "POST /v1/orders/batch": FEEDS,
    "GET /v1/orders/{order}": ALL,
    "PUT /v1/orders/{order}": FEEDS,
    "POST /v1/orders/{order}/refunds": FEEDS,
    "POST /v1/orders/{order}/returns": FEEDS,
    "GET /v1/gift-cards": ALL,
    "GET /v1/gift-cards/{card}": ALL,
    "PUT /v1/gift-cards/{card}": STEWARD,
    "GET /metrics": SEE,
    **{f"POST {route.path}": SENDS for route in segment.ROUTES},
}
"""Which roles of keys may pass."""


def _named(modules: Any) -> Iterator[str]:
    for module in modules:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            yield from (f"{method} {route.path}" for method in route.methods)


def _address(path: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda part: _PLACES.get(part[1], _NOBODY), path)


_NOBODY = "00000000-0000-0000-0000-000000000000"
_PLACES = {"journey_id": "no-such", "template_id": "no-such", "rule": "no-such",
           "topic_id": "no-such", "segment_id": "no-such"}  # fmt: skip


@pytest.fixture
def database(shop_settings: Settings) -> Iterator[Database]:
    opened = Database(shop_settings.database_url)
    yield opened
    opened.close()


@pytest.fixture
def client(shop_settings: Settings) -> Iterator[Any]:
    made = create_app(shop_settings)
    with TestClient(made, follow_redirects=False, raise_server_exceptions=False) as opened:
        made.state.streams.close()  # live pages end at once
        yield opened


def test_the_tables_name_every_route_there_is() -> None:
    pages = set(_named(application.PAGES))
    interface = {*_named(ROUTERS), *(f"POST {route.path}" for route in segment.ROUTES)}
    assert pages | interface == PAGES.keys() | OPEN | INTERFACE.keys()
    for named in PAGES.keys() | OPEN | INTERFACE.keys():
        path = named.split()[1]
        assert is_public(path) == (named not in PAGES), named


def test_strangers_pass_nowhere(client: Any) -> None:
    for named in PAGES:
        method, path = named.split()
        answer = client.request(method, _address(path))
        if method == "GET":
            assert answer.headers["location"].startswith("/login"), named
        else:
            assert answer.status_code == 401, named
    for named in INTERFACE:
        method, path = named.split()
        assert client.request(method, _address(path), content=b"{}").status_code == 401, named


@pytest.mark.parametrize("role", [*PEOPLE_ROLES, "operator"])
def test_people_pass_where_their_role_may(client: Any, database: Database, role: Any) -> None:
    user = None if role == "operator" else somebody(database, role)
    data: dict[str, str] = {}
    for named, roles in PAGES.items():
        method, path = named.split()
        if "csrf" not in data or named == "POST /preferences":  # after the one that logs out
            data = {"csrf": log_in(client, database, user)}
        # What uploads a file tells it in a header: its body is the file.
        answer = client.request(
            method,
            _address(path),
            data=data if method == "POST" else None,
            headers={"X-CSRF-Token": data["csrf"]},
        )
        assert answer.status_code not in {401, 500}, named
        may = (role if role != "operator" else "administrator") in roles
        assert (answer.status_code != 403) == may, named
        if not may:
            assert "Your role does not allow this" in answer.text, named


@pytest.mark.parametrize("role", ROLES)
def test_keys_pass_where_their_role_may(client: Any, database: Database, role: Any) -> None:
    secret = database.transact(lambda connection: keys.create(connection, role)).secret
    headers = {"Authorization": f"Bearer {secret}"}
    for named, roles in INTERFACE.items():
        method, path = named.split()
        answer = client.request(method, _address(path), headers=headers, content=b"{")
        assert answer.status_code not in {401, 500}, named
        assert (answer.status_code != 403) == (role in roles), named


def test_a_key_opens_no_page_and_a_session_no_interface(client: Any, database: Database) -> None:
    secret = database.transact(lambda connection: keys.create(connection, "administrator")).secret
    assert client.get("/journeys", headers={"Authorization": f"Bearer {secret}"}).status_code == 303
    log_in(client, database, None)
    assert client.get("/journeys").status_code == 200
    assert client.get("/v1/journeys").status_code == 401


def test_a_route_that_asks_for_nothing_is_closed_to_all(
    shop_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> str:
        return "never seen"

    pages = (*application.PAGES, SimpleNamespace(router=router))
    monkeypatch.setattr(application, "PAGES", pages)
    with TestClient(create_app(shop_settings), follow_redirects=False) as client:
        log_in(client, database, None)
        assert client.get("/journeys").status_code == 200
        assert client.get("/forgotten").status_code == 403


def test_what_the_gate_does_not_know_is_not_there(
    shop_settings: Settings, database: Database
) -> None:
    made: FastAPI = create_app(shop_settings)
    made.add_api_route("/beside", lambda: "never seen")
    with TestClient(made, follow_redirects=False) as client:
        log_in(client, database, None)
        assert client.get("/beside").status_code == 404


def test_pages_show_only_what_the_reader_may_do(client: Any, database: Database) -> None:
    seen = {}
    for role in ("viewer", "marketer", "publisher"):
        log_in(client, database, somebody(database, role))
        seen[role] = {
            "new": 'href="/new"' in client.get("/journeys").text,
            "publish": "/journeys/welcome/publish" in client.get("/journeys/welcome").text,
            "pause": "/journeys/welcome/pause" in client.get("/journeys/welcome").text,
            "save": "Save draft" in client.get("/journeys/welcome/document").text,
            "settings": 'href="/settings' in client.get("/journeys").text,
        }
    off = dict.fromkeys(seen["viewer"], False)
    assert seen["viewer"] == off
    assert seen["marketer"] == {**off, "new": True, "save": True}
    assert seen["publisher"] == {**dict.fromkeys(off, True), "settings": False}


def test_staff_begin_at_the_customers(client: Any, database: Database) -> None:
    log_in(client, database, somebody(database, "staff"))
    assert client.get("/").headers["location"] == "/customers"
    page = client.get("/customers").text
    assert 'href="/journeys"' not in page
    assert 'href="/messages"' not in page
