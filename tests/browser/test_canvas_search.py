"""Steps are found by what is written on them, and by what they only refer to."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

BUYERS = {"event": "Order Completed", "within": "30d"}


def steps() -> list[dict[str, Any]]:
    ways = [{"id": "buyers", "label": "Buyers", "if": BUYERS,
             "then": [{"id": "calm", "type": "wait", "for": "2d", "note": "Über Geduld"}]},
            {"id": "rest", "label": "Rest", "if": {"trait": "tier", "eq": "gold"}, "then": []}]  # fmt: skip
    return [
        {"id": "pause", "type": "wait", "for": "1d"},
        {"id": "hello", "type": "send", "channel": "email", "template": "cart-reminder", "name": "Greeting"},
        {"id": "fork", "type": "branch", "arms": ways, "else": []},
        {"id": "opened", "type": "wait_for", "events": [{"on": {"event": "Coupon Used"}, "then": []}],
         "timeout": "1d"},
        {"id": "end", "type": "wait", "for": "3d", "note": "Geduld"},
    ]  # fmt: skip


def seek(page: Page, text: str) -> None:
    page.locator("#s-").focus()
    page.keyboard.press("f")
    page.keyboard.type(text)


def found(page: Page) -> list[str]:
    cards: list[str] = page.locator(".hit").evaluate_all("cards => cards.map(card => card.value)")
    return cards


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("greet", ["hello"]),  # its name
        ("wait 3 days", ["end"]),  # its sentence
        ("uber geduld", ["calm"]),  # its note, without its accents
        ("calm", ["calm"]),  # its id
        ("cart-rem", ["hello"]),  # its template's id
        ("coupon", ["opened"]),  # the event it waits for
        ("order completed", ["fork"]),  # the event that a named way asks for
        ("gold", ["fork"]),
        ("buyers", ["fork"]),  # the name of a way
        ("product added", [""]),  # what opens the journey
        ("zebra", []),
    ],
)
def test_steps_are_found(
    opens: Callable[..., Page], drawn: Callable[..., str], text: str, ids: list[str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    seek(page, text)
    expect(page.locator("[data-seek] [role=status]")).to_have_text(
        f"Found: {len(ids)}" if ids else "Nothing found"
    )
    assert found(page) == ids


def test_enter_walks_from_one_to_the_next(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    page.locator("[data-fold='fork']").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    status = page.locator("[data-seek] [role=status]")
    seek(page, "geduld")
    expect(status).to_have_text("Found: 2")
    page.keyboard.press("Enter")
    expect(status).to_have_text("1 of 2")
    expect(page.locator("#s-calm")).to_be_focused()
    expect(page.locator("#s-calm")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#s-end")).to_be_focused()
    page.keyboard.press("Enter")
    expect(status).to_have_text("1 of 2")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#s-end")).to_be_focused()
    expect(status).to_have_text("2 of 2")
    page.keyboard.press("Escape")
    expect(page.locator("#s-end")).to_be_focused()
    assert found(page) == []
    expect(status).to_have_text("")
    assert asked == []
    page.keyboard.press("Enter")
    expect(page.locator("#s-end")).to_have_attribute("aria-pressed", "true")


def test_hits_are_marked_again_after_an_edit(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    seek(page, "geduld")
    page.keyboard.press("Enter")
    page.keyboard.press("d")
    expect(page.locator("#said")).to_contain_text("Duplicated")
    expect(page.locator("[data-seek] [role=status]")).to_have_text("1 of 3")
    assert found(page) == ["calm", "calm-2", "end"]


def test_a_single_hit_is_opened_by_enter_and_a_search_is_left_to_where_one_was(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    seek(page, "coupon")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#s-opened")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-leave]").click()
    page.locator("#s-pause").focus()
    page.keyboard.press("f")
    page.keyboard.type("zebra")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#s-pause")).to_be_focused()


def test_a_live_journey_is_searched_on_a_phone(opens: Callable[..., Page]) -> None:
    page = opens("phone")
    page.goto("/journeys/welcome")
    page.get_by_role("searchbox", name="Find in the journey").fill("digest")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".hit.now")).to_be_in_viewport()
    expect(page.locator("[data-seek] [role=status]")).to_have_text("1 of 1")
