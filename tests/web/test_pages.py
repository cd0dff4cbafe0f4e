"""Every page, in both languages; forms; what strangers get."""

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, text

import designer
from designer.app import PAGES as PAGE_MODULES
from designer.app import create_app
from designer.login.gate import is_public
from designer.login.links import login_link
from engine.settings import Settings
from engine.store import tables
from engine.store.session import Database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient

TEMPLATES = Path(designer.__file__).parent / "templates"

PAGES = (
    "/journeys",
    "/journeys?q=cart&state=live",
    "/journeys?q=nothing-of-that-name",
    "/journeys/welcome",
    "/journeys/welcome?view=outline&step=offer",
    "/journeys/abandoned-cart?step=first-mail",
    "/journeys/abandoned-cart/panel?step=opened",
    "/journeys/birthday",
    "/journeys/birthday?show=draft",
    "/journeys/welcome/document",
    "/journeys/birthday/publish",
    "/journeys/welcome/publish",
    "/new",
    "/new/document",
    "/customers",
    "/customers?q=anna",
    "/customers?q=nobody",
    "/outbox",
    "/outbox?channel=sms",
    "/outbox?q=nothing-of-that-kind",
    "/events",
    "/events?name=Order+Completed",
    "/messages",
    "/messages?journey=welcome&step=hello&result=sent&channel=email&topic=offers",
    "/messages?stopped=skipped&rule=three-a-week&from=2020-01-01",
    "/messages?q=anna&reason=cap&from=nonsense&to=2020-01-01",
    "/manners",
    "/manners/rules/new",
    "/manners/rules/three-a-week",
)


def _of_every_kind(database_url: str) -> list[str]:
    """Addresses that name a row: customers in each state, a message of each channel."""
    run, message, customer = tables.run, tables.message.c, tables.customer.c
    database = Database(database_url)
    with database.read() as connection:
        ids = [
            *connection.execute(select(run.c.customer_id).distinct().limit(40)).scalars(),
            *connection.execute(select(customer.id).where(customer.addresses == {})).scalars(),
        ]
        sent = select(message.channel, message.id).where(message.state == "sent")
        every = list(connection.execute(select(message.id).limit(60)).scalars())
        by_channel = {row.channel: row.id for row in connection.execute(sent)}
    database.close()
    return [
        *(f"/customers/{id_}" for id_ in ids),
        *(f"/outbox/{id_}{part}" for id_ in by_channel.values() for part in ("", "/body")),
        *(f"/messages/{id_}{part}" for id_ in every for part in ("", "/body")),
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_shown_in_each_language(visitor: Any, shop_url: str, language: str) -> None:
    visitor.cookies.set("lang", language)
    for address in (*PAGES, *_of_every_kind(shop_url)):
        answer = visitor.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        if answer.text.startswith("<!DOCTYPE html>"):
            assert f'<html lang="{language}"' in answer.text, address


def test_the_reader_is_spoken_to_in_her_language(visitor: Any) -> None:
    french = visitor.get("/journeys", headers={"Accept-Language": "fr-CH, en;q=0.5"}).text
    assert "Nouveau parcours" in french
    assert "44,1%" in french.replace("\N{NO-BREAK SPACE}", "") or "," in french
    english = visitor.get("/journeys", headers={"Accept-Language": "de, en;q=0.5"}).text
    assert "New journey" in english


ALLOWED = {"Parcours", "parcours", "up"}


def test_no_template_has_words_outside_gettext() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\{% block main_class %\}.*?\{% endblock %\}", "", text)
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
        for attribute in re.findall(r'\s(?:title|aria-label|placeholder|alt)="([^"]*)"', text):
            assert not re.search(r"[A-Za-z]{2}", attribute), (path.name, attribute)
        bare = re.sub(r"<[^>]*>|&\w+;", " ", text)
        words = set(re.findall(r"[A-Za-zÀ-ÿ]{2,}", bare)) - ALLOWED
        assert not words, (path.name, words)


def test_every_icon_that_is_used_is_there() -> None:
    static = Path(designer.__file__).parent / "static"
    known = set(
        re.findall(r"\.i-([\w-]+)", (static / "vendor/lucide/icons.css").read_text("utf-8"))
    )
    used = set()
    for path in TEMPLATES.rglob("*.html"):
        used |= set(re.findall(r'(?:icon|empty)\("([\w-]+)"', path.read_text("utf-8")))
    for path in Path(designer.__file__).parent.rglob("*.py"):
        text = path.read_text("utf-8")
        used |= set(re.findall(r'Change\(\s*"([\w-]+)"', text))
        for table in re.findall(r"_?ICONS: Final = \{(.*?)\}", text, flags=re.DOTALL):
            used |= set(re.findall(r': "([\w-]+)"', table))
    assert used <= known, used - known


# Strangers


def _routes() -> list[APIRoute]:
    # The application itself does not list them: it holds each router as one.
    routes = [route for page in PAGE_MODULES for route in page.router.routes]
    found = [route for route in routes if isinstance(route, APIRoute)]
    assert len(found) > 40
    return found


def test_strangers_get_nothing_but_the_login(stranger: Any) -> None:
    for route in _routes():
        if is_public(route.path):
            continue
        address = re.sub(r"\{[\w:]+\}", "00000000-0000-0000-0000-000000000000", route.path)
        for method in route.methods:
            answer = stranger.request(method, address)
            if method in {"GET", "HEAD"}:
                assert answer.status_code == 303, address
                assert answer.headers["location"].startswith("/login"), address
            else:
                assert answer.status_code == 401, address


def test_what_is_open_to_anyone_is_the_login_and_what_checks_a_signature() -> None:
    ours = {route.path for route in _routes() if is_public(route.path)}
    signed = {path for path in ours if path.startswith(("/l/", "/u/", "/c/", "/preferences/"))}
    assert all(path.endswith("/{token:path}") for path in signed)
    assert ours - signed == {
        "/login",
        "/password",
        "/hooks/sendgrid",
        "/hooks/twilio",
        "/hooks/shopify",
        "/hooks/prestashop",
        "/push/key",
    }


def test_the_login_page_says_how_to_get_a_link(stranger: Any) -> None:
    answer = stranger.get("/login")
    assert answer.status_code == 200
    assert "parcours up" in answer.text


def test_a_link_leads_to_the_page_that_was_wanted(stranger: Any, shop_settings: Settings) -> None:
    wanted = stranger.get("/customers?q=anna").headers["location"]
    assert wanted == "/login?next=/customers%3Fq%3Danna"
    token = login_link(shop_settings).split("token=")[1]
    opened = stranger.get("/login", params={"token": token, "next": "/customers?q=anna"})
    assert opened.headers["location"] == "/customers?q=anna"
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_link_leads_nowhere_else(stranger: Any, shop_settings: Settings, next_: str) -> None:
    token = login_link(shop_settings).split("token=")[1]
    opened = stranger.get("/login", params={"token": token, "next": next_})
    assert opened.headers["location"] == "/"


def test_a_forged_or_old_link_opens_nothing(
    stranger: Any, shop_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = URLSafeTimedSerializer("another key", salt="parcours.login").dumps("x")
    answer = stranger.get("/login", params={"token": forged})
    assert answer.status_code == 403
    assert "no longer valid" in answer.text
    token = login_link(shop_settings).split("token=")[1]
    monkeypatch.setattr("designer.login.links.LINK_LIFE", timedelta(seconds=-1))
    assert stranger.get("/login", params={"token": token}).status_code == 403
    assert stranger.get("/journeys").status_code == 303


def test_a_part_of_a_page_sends_a_stranger_to_the_login(stranger: Any) -> None:
    answer = stranger.get("/journeys/welcome/panel", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


# Forms


def _token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


def test_a_form_without_its_token_changes_nothing(visitor: Any) -> None:
    refused = visitor.post("/preferences", data={"lang": "fr"})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    page = visitor.get("/journeys").text
    done = visitor.post(
        "/preferences", data={"csrf": _token(page), "lang": "fr", "back": "/customers"}
    )
    assert done.status_code == 303
    assert done.headers["location"] == "/customers"
    assert "lang=fr" in done.headers["set-cookie"]


def test_the_token_of_another_session_is_refused(visitor: Any, shop_settings: Settings) -> None:
    token = _token(visitor.get("/journeys").text)
    visitor.cookies.clear()
    visitor.get(login_link(shop_settings).removeprefix("http://testserver"))
    assert visitor.post("/preferences", data={"csrf": token}).status_code == 403


def test_logging_out_ends_the_session(visitor: Any) -> None:
    page = visitor.get("/journeys").text
    assert visitor.post("/logout", data={"csrf": _token(page)}).status_code == 303
    assert visitor.get("/journeys").status_code == 303


# Headers and errors


@contextmanager
def _client(settings: Settings) -> Iterator[Any]:
    """Someone logged in to an application of its own, who gets errors as answers."""
    app = create_app(settings)
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        client.get(login_link(settings).removeprefix("http://testserver"))
        yield client


def test_pages_may_load_nothing_from_elsewhere(visitor: Any) -> None:
    answer = visitor.get("/journeys")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for page in (answer.text, visitor.get("/journeys/welcome").text):
        assert not re.search(r'\b(?:src|href)="(?:https?:)?//', page)
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)


def test_files_are_kept_for_ever_under_their_version(visitor: Any) -> None:
    address = re.search(r'href="(/static/css/base[^"]+)"', visitor.get("/journeys").text)
    assert address is not None
    answer = visitor.get(address[1])
    assert "immutable" in answer.headers["Cache-Control"]
    assert visitor.get("/static/css/base.css").headers["Cache-Control"] == "no-cache"


def test_errors_are_finished_pages(visitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("/nowhere", "/journeys/nowhere", "/customers/nobody", "/outbox/not-a-number"):
        answer = visitor.get(address)
        assert answer.status_code in {404, 422}, address
        assert "To the journeys" in answer.text, address


def test_without_the_database_the_page_says_so(tmp_path: Path, shop_settings: Settings) -> None:
    settings = Settings.load(
        database_url="postgresql://nobody@127.0.0.1:9/nothing",
        data_dir=tmp_path,
        public_url="http://testserver",
    )
    with _client(settings) as client:
        client.cookies.set("parcours_session", "whose it is cannot be looked up")
        answer = client.get("/journeys")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text


def test_pages_do_not_wait_for_temporal(shop_settings: Settings) -> None:
    away = shop_settings.model_copy(update={"temporal_address": "127.0.0.1:9"})
    begun = time.monotonic()
    with _client(away) as client:
        assert client.get("/journeys").status_code == 200
        assert client.app.state.gateway is None
    assert time.monotonic() - begun < 5


def test_a_mistake_of_ours_is_a_page_too(
    shop_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("engine.store.overview.journeys", break_down)
    with _client(shop_settings) as client:
        answer = client.get("/journeys")
    assert answer.status_code == 500
    assert "went wrong on our side" in answer.text
    assert "a mistake" not in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_message_of_a_template_is_shown_where_it_can_do_nothing(
    visitor: Any, shop_url: str
) -> None:
    address = next(a for a in _of_every_kind(shop_url) if a.endswith("/body"))
    answer = visitor.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert 'sandbox=""' in visitor.get(address.removesuffix("/body")).text


def test_the_demonstration_shop_has_a_switch_for_visits(visitor: Any, shop_url: str) -> None:
    page = visitor.get("/journeys").text
    assert "Live visits" not in page
    token = {"csrf": _token(page), "on": "yes", "back": "/journeys"}
    assert visitor.post("/demo/visits", data=token).status_code == 404
    database = Database(shop_url)
    added = text("UPDATE workspace SET settings = settings || '{\"demo_visits\": false}'")
    database.transact(lambda connection: connection.execute(added))
    try:
        visitor.app.state.pages.forget_shop()
        assert 'aria-checked="false"' in visitor.get("/journeys").text
        assert visitor.post("/demo/visits", data=token).headers["location"] == "/journeys"
        assert 'aria-checked="true"' in visitor.get("/journeys").text
        part = visitor.post(
            "/demo/visits", data=token | {"on": "no"}, headers={"HX-Request": "true"}
        )
        assert part.text.strip().startswith("<form")
        assert 'aria-checked="false"' in part.text
    finally:
        removed = text("UPDATE workspace SET settings = settings - 'demo_visits'")
        database.transact(lambda connection: connection.execute(removed))
        database.close()
