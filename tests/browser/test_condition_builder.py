"""Filling a condition by mouse: what it says and for how many it holds, meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from tests.browser.hands import settled
from tests.browser.test_canvas import begin, draft, made, said, save
from tests.browser.test_look import _wrong

__all__ = ["made"]

RULE = "arms.0.if.rows"


@pytest.fixture
def page(opens: Callable[..., Page], site: Any, made: list[str]) -> Page:
    opened = opens()
    begin(opened, "Big spenders", made)
    opened.locator(".slot").first.click()
    opened.locator("[data-offer=branch]").click()
    said(opened, "Added")
    return opened


def field(page: Page, name: str) -> Any:
    settled(page)  # what is chosen may draw the rows anew
    return page.locator(f"[name='{RULE}.{name}']")


def test_a_sum_is_built_by_mouse(page: Page, site: Any, made: list[str]) -> None:
    says = page.locator("[data-says]")
    field(page, "0.kind").select_option("trait")
    expect(says).to_contain_text("not complete yet")
    field(page, "0.trait").fill("first_name")
    field(page, "0.tests.0.op").select_option("known")
    expect(says).to_contain_text("First name is known.")
    expect(says).to_contain_text("customers (")
    everybody = says.locator(".counted").inner_text()
    page.get_by_role("button", name="Condition", exact=True).click()
    field(page, "1.kind").select_option("value")
    expect(says).to_contain_text("not complete yet")
    field(page, "1.of").fill("total")
    field(page, "1.event").fill("Order Completed")
    field(page, "1.tests.0.op").select_option("gte")
    field(page, "1.tests.0.value").fill("100")
    expect(says).to_contain_text(
        "First name is known and the sum of total over all “Order Completed” is at least 100."
    )
    expect(says).not_to_contain_text("not complete yet")
    expect(says.locator(".counted")).to_contain_text("Now:")
    expect(says.locator(".counted")).not_to_have_text(everybody)
    fewer = says.locator(".counted").inner_text()
    value = field(page, "1.tests.0.value")
    value.press("End")
    value.press_sequentially("000000")
    expect(says).to_contain_text("at least 100,000,000.")
    expect(says.locator(".counted")).to_contain_text("Now: 0 of")
    assert says.locator(".counted").inner_text() != fewer
    expect(value).to_be_focused()
    value.fill("100")
    save(page)
    built = draft(site, made[-1])["steps"][0]["arms"][0]["if"]
    assert built == {
        "all": [
            {"trait": "first_name", "exists": True},
            {"event": "Order Completed", "sum": "total", "gte": 100},
        ]
    }


def offered(page: Page, name: str) -> list[str]:
    return list(
        field(page, name).evaluate("op => [...op.options].filter(o => !o.hidden).map(o => o.value)")
    )


def test_operators_fit_what_is_known_of_a_value(page: Page) -> None:
    field(page, "0.kind").select_option("trait")
    assert "before" in offered(page, "0.tests.0.op")
    field(page, "0.trait").fill("first_name")
    texts = offered(page, "0.tests.0.op")
    assert "starts_with" in texts
    assert "gte" not in texts
    assert "before" not in texts
    field(page, "0.kind").select_option("value")
    expect(field(page, "0.of")).to_be_visible()
    assert "gte" in offered(page, "0.tests.0.op")
    assert "starts_with" not in offered(page, "0.tests.0.op")
    field(page, "0.event").fill("Order Completed")
    field(page, "0.of").focus()
    names = page.locator("#names option")
    expect(names.first).to_be_attached()
    assert "total" in [one.get_attribute("value") for one in names.all()]


def test_a_mistake_is_at_its_field_and_what_was_typed_stays(page: Page) -> None:
    field(page, "0.kind").select_option("trait")
    field(page, "0.trait").fill("last_seen")
    field(page, "0.tests.0.op").select_option("older_than")
    field(page, "0.tests.0.span.n").fill("soon")
    page.locator("#settings").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    wrong = field(page, "0.tests.0.span.n")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_value("soon")
    expect(page.get_by_text("Say how long, as a whole number.")).to_be_visible()


OF_EACH_KIND: list[dict[str, Any]] = [
    {"trait": "last_seen", "older_than": {"trait": "usual_gap", "times": 1.5}},
    {"trait": "age", "gte": 18, "lt": 65},
    {"event": "Order Completed", "avg": "total", "gte": 50, "within": "1y",
     "where": {"not": {"any": [{"property": "currency", "eq": "CHF"}, {"property": "total", "lt": 5}]}}},
    {"event": "Order Completed", "count": {"gte": 2, "lte": 9}, "within": "90d"},
    {"anniversary": "birth_date", "within": "7d"},
    {"result": {"step": "crm", "name": "points"}, "gte": 100},
    {"step": "crm", "is": "done"},
    {"property": "total", "gte": 30},
    {"segment": "vip"},
    {"all": [{"subscribed": "offers", "channel": "email"}, {"not": {"reachable": "sms"}}]},
    {"not": {"not": {"segment": "vip"}}},
]  # fmt: skip


@pytest.mark.parametrize(("size", "look"), [("desk", "light"), ("phone", "dark")])
def test_rows_of_each_kind_are_sound(
    opens: Callable[..., Page],
    site: Any,
    made: list[str],
    size: str,
    look: str,
) -> None:
    made.append(f"each-kind-{size}")
    steps = [
        {"id": "crm", "type": "webhook", "url": "https://crm.example.com", "keep": {"points": "p"}},
        {"id": "which", "type": "branch", "arms": [{"id": "one", "if": {"any": OF_EACH_KIND}}]},
    ]
    entry = {"on": {"event": "Product Added"}, "if": {"any": OF_EACH_KIND[:5]}}
    document = {"id": made[-1], "name": "Each kind", "entry": entry, "steps": steps}
    drafting.create(site.database, document, actor=COMMAND_LINE)
    page = opens(size, look)
    for step in ("which", ""):
        page.goto(f"/journeys/{made[-1]}?show=draft&step={step}")
        expect(page.locator("[data-says] .counted").first).to_be_visible()
        assert not _wrong(page)


def test_a_message_is_shown_in_its_panel(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/journeys/abandoned-cart?show=draft&step=first-mail")
    received = page.locator("#as-received")
    expect(received.locator("iframe:visible")).to_have_count(1)
    page.locator("[name=subject]").fill("For {{ customer.first_name }} alone")
    expect(received.locator(".version:visible .head-lines b")).to_contain_text("alone")
    page.locator("#as-whom").press_sequentially("anna")
    page.locator("#people .person").first.click()
    expect(received.locator(".version:visible .head-lines b")).to_have_text("For Anna alone")
    expect(received).to_contain_text("As Anna")
    page.locator("[name=subject]").fill("{{ broken")
    expect(received).to_contain_text("There is a mistake in the subject")
    page.locator("[name=subject]").fill("")
    expect(received.locator("iframe:visible")).to_have_count(1)
    page.locator("[name='variants.0.subject']").fill("Version A")
    expect(received.locator(".version:visible .head-lines b")).to_have_text("Version A")
    page.locator("#t-1").click()
    page.locator("[name='variants.1.subject']").fill("Version B")
    expect(received.locator(".version:visible .head-lines b")).to_have_text("Version B")
    received.get_by_role("tab").first.click()
    expect(received.locator(".version:visible .head-lines b")).to_have_text("Version A")
