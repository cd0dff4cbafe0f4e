"""What moves by itself, and what answers without a new page."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from playwright.sync_api import Page, expect
from sqlalchemy import insert, select

from engine.store import tables

LOOKED = """addEventListener("htmx:sse:after:message", () => {
    document.documentElement.dataset.looked = "yes";
}, true)"""
"""Marks a page whose stream has sent something."""


def _customer(site: Any) -> UUID:
    with site.database.read() as connection:
        found: UUID = connection.execute(select(tables.customer.c.id).limit(1)).scalar_one()
    return found


def watch(page: Page, address: str) -> None:
    """Open a page, and wait until its stream has said how things are."""
    page.add_init_script(LOOKED)
    page.goto(address)
    expect(page.locator("html[data-looked]")).to_be_attached(timeout=20_000)


def _happens(site: Any, name: str, seq: int) -> None:
    at = datetime.now(UTC)
    row = {
        "customer_id": _customer(site), "seq": seq, "received_at": at, "id": uuid4(),
        "occurred_at": at, "name": name, "properties": {"product": "Lamp"}, "source": "test",
        "kind": "track",
    }  # fmt: skip
    site.database.transact(lambda connection: connection.execute(insert(tables.event).values(row)))


def test_events_appear_on_top_as_they_arrive(site: Any, opens: Callable[..., Page]) -> None:
    page = opens()
    watch(page, "/events")
    _happens(site, "Lamp Lit", 9001)
    first = page.locator("#tail tr").first
    expect(first).to_contain_text("Lamp Lit")
    assert page.locator("#tail tr").count() == 51


def test_a_paused_tail_keeps_what_arrives_for_later(site: Any, opens: Callable[..., Page]) -> None:
    page = opens()
    watch(page, "/events")
    page.get_by_role("button", name="Pause").click()
    _happens(site, "Door Opened", 9002)
    expect(page.locator("[data-waiting]")).to_have_text("+1")
    expect(page.locator("#tail")).not_to_contain_text("Door Opened")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#tail tr").first).to_contain_text("Door Opened")


def test_only_the_events_of_a_name_are_shown(site: Any, opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/events")
    page.locator("#name").select_option("Signed Up")
    page.wait_for_url("**/events?name=Signed+Up")
    assert set(page.locator("#tail .name").all_inner_texts()) == {"Signed Up"}


def test_counters_move_while_one_looks(site: Any, opens: Callable[..., Page]) -> None:
    page = opens()
    watch(page, "/journeys/welcome")
    entered = page.locator("#t-entered")
    before = int(entered.inner_text())
    hello = int(page.locator("#n-hello").inner_text())
    at = datetime.now(UTC)
    run = {
        "id": uuid4(), "customer_id": _customer(site), "journey_id": "welcome", "version": 1,
        "plan_hash": "x", "entry_source": "event", "entered_at": at, "revision": 1, "command": {},
        "state": {}, "step": "hello",
    }  # fmt: skip
    message = {
        "id": uuid4(), "customer_id": run["customer_id"], "run_id": run["id"],
        "journey_id": "welcome", "version": 1, "step": "hello", "visit": 1, "channel": "email",
        "class": "marketing", "priority": 50, "template": "welcome", "state": "sent",
        "decided_at": at,
    }  # fmt: skip

    def work(connection: Any) -> None:
        connection.execute(insert(tables.run).values(run))
        connection.execute(insert(tables.message).values(message))

    site.database.transact(work)
    expect(entered).to_have_text(str(before + 1))
    expect(page.locator("#n-hello")).to_have_text(str(hello + 1))


def test_a_card_opens_its_settings_beside_the_canvas(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/journeys/abandoned-cart")
    page.locator("#s-first-mail").click()
    panel = page.locator("#panel")
    expect(panel).to_contain_text("Cart reminder")
    expect(page.locator("#s-first-mail")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Close: show the whole journey").click()
    expect(panel).to_contain_text("The whole journey")


def test_the_canvas_is_made_larger_and_fitted_again(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/journeys/welcome")
    shown = page.locator("[data-zoom-shown]")
    fitted = shown.inner_text()
    page.get_by_role("button", name="Larger").click()
    assert shown.inner_text() != fitted
    page.get_by_role("button", name="Fit").click()
    assert shown.inner_text() == fitted


def test_the_document_is_checked_while_it_is_written(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/journeys/birthday/document")
    text, checks = page.locator("#text"), page.locator("#checks")
    expect(checks).to_contain_text("1 mistake")
    text.fill(text.input_value().replace("no-such-template", "welcome"))
    expect(checks).to_contain_text("Ready to publish")
    text.fill(text.input_value().replace("type: send", "type: sing"))
    expect(checks).to_contain_text("the type of a step is one of")
    assert page.locator(".gutter .bad").count() == 1
    checks.locator("button.problem").first.click()
    selected = text.evaluate("t => t.value.slice(t.selectionStart, t.selectionEnd)")
    assert "type: sing" in selected


def test_a_list_follows_the_words_that_are_typed(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/customers")
    page.get_by_role("searchbox").press_sequentially("anna")
    expect(page.locator("#list a.name").first).to_contain_text("Anna")
    page.wait_for_url("**/customers?q=anna")
    assert all("Anna" in name for name in page.locator("#list a.name").all_inner_texts())


def test_messages_are_read_beside_their_list(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/outbox")
    second = page.locator("a.mail").nth(1)
    second.click()
    expect(second).to_have_attribute("aria-current", "true")
    expect(page.locator("#reading dl")).to_contain_text("From the journey")
    page.wait_for_url("**/outbox/*")
    page.go_back()
    page.wait_for_url("**/outbox")


def test_open_streams_do_not_hold_the_server(
    shop_url: str, tmp_path: Any, chromium: str, site: Any, browser: Any
) -> None:
    from designer.login.links import login_link
    from engine.settings import Settings
    from parcours.embedded.process import free_port

    settings = Settings.load(database_url=shop_url, data_dir=tmp_path, port=free_port())
    other = type(site)(settings)
    other.start()
    page = browser.new_page()
    page.goto(login_link(settings))
    watch(page, f"{settings.url}/journeys/welcome")
    assert other.stop() < 2
    page.close()
