"""Two people in two browsers draw the same journey at once: nothing is lost without a word."""

from collections.abc import Callable
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from uuid_utils.compat import uuid7

from engine.store import documents, sessions, users

STEPS = [
    {"id": "first", "type": "wait", "for": "1d"},
    {"id": "second", "type": "wait", "for": "2d"},
]


@pytest.fixture
def pair(
    site: Any, opens: Callable[..., Page], drawn: Callable[..., str]
) -> tuple[str, Page, Page]:
    """A journey of two waits, and two editors before it."""
    journey = drawn(*STEPS)
    pages = opens(known=False), opens(known=False)
    for page in pages:
        page.context.add_cookies(
            [{"name": "parcours_session", "value": _somebody(site), "url": site.url}]
        )
        page.goto(f"/journeys/{journey}")
    return journey, *pages


def _somebody(site: Any) -> str:
    id_, token = uuid7(), token_urlsafe(32)

    def work(connection: Any) -> None:
        users.put_new(connection, id_, f"{id_}@shop.example", "", "marketer")
        sessions.open_(connection, token, id_, "Chromium", timedelta(hours=1))

    site.database.transact(work)
    return token


def insert(page: Page, kind: str, slot: str) -> None:
    page.locator(f"[data-slot='{slot}']").click()
    page.locator(f"[data-offer={kind}]").click()


def choose(page: Page, step: str, days: str) -> None:
    page.locator(f"#s-{step}").click()
    expect(page.locator("[name='for.n']")).to_have_value(days)


def told(page: Page, text: str) -> None:
    expect(page.locator("#said")).to_contain_text(text)


def draft(site: Any, journey: str) -> list[dict[str, Any]]:
    with site.database.read() as connection:
        return list(documents.journey(connection, journey).draft["steps"])


def save(page: Page) -> None:
    page.locator("#settings").get_by_role("button", name="Save").click()


def test_what_both_draw_is_kept(site: Any, pair: tuple[str, Page, Page]) -> None:
    journey, hers, his = pair
    insert(hers, "email", ":first")
    told(hers, "Added: Email")
    insert(his, "push", ":second")
    told(his, "Somebody else changed this journey")
    expect(his.locator("#s-email")).to_be_visible()
    expect(his.locator("#s-push")).to_have_count(0)
    insert(his, "push", ":second")
    told(his, "Added: Push")
    hers.locator("#s-second").focus()
    hers.keyboard.press("m")
    hers.keyboard.press("ArrowUp")
    hers.keyboard.press("Enter")
    told(hers, "Somebody else changed this journey")
    assert [step["id"] for step in draft(site, journey)] == ["first", "email", "second", "push"]
    hers.locator("#s-push").focus()
    hers.keyboard.press("m")
    for _ in range(4):
        hers.keyboard.press("ArrowUp")
    hers.keyboard.press("Enter")
    told(hers, "Moved: Push")
    assert [step["id"] for step in draft(site, journey)] == ["push", "first", "email", "second"]
    assert {step["type"] for step in draft(site, journey)} == {"wait", "send"}


def test_settings_that_come_late_stay_in_their_panel(
    site: Any, pair: tuple[str, Page, Page]
) -> None:
    journey, hers, his = pair
    choose(hers, "first", "1")
    choose(his, "first", "1")
    his.locator("[name='for.n']").fill("5")
    his.locator("[name=name]").fill("His rest")
    hers.locator("[name='for.n']").fill("3")
    save(hers)
    told(hers, "Saved")
    save(his)
    told(his, "What you typed is still here")
    expect(his.locator("#s-first")).to_contain_text("3 days")
    expect(his.locator("[name=name]")).to_have_value("His rest")
    expect(his.locator("[name='for.n']")).to_have_value("5")
    assert draft(site, journey)[0] == {"id": "first", "type": "wait", "for": "3d"}
    save(his)
    told(his, "Saved")
    assert draft(site, journey)[0]["name"] == "His rest"
    assert draft(site, journey)[0]["for"] == "5d"
    his.get_by_role("button", name="Undo: ").click()
    told(his, "Undone")
    assert draft(site, journey)[0]["for"] == "3d", "what she saved is one step back"


def test_an_edit_waits_for_typed_text_that_came_late(
    site: Any, pair: tuple[str, Page, Page]
) -> None:
    journey, hers, his = pair
    choose(his, "first", "1")
    his.locator("[name=name]").fill("His rest")
    insert(hers, "email", ":first")
    told(hers, "Added: Email")
    insert(his, "push", ":second")
    told(his, "What you typed is still here")
    expect(his.locator("[name=name]")).to_have_value("His rest")
    expect(his.locator("#s-first")).to_have_attribute("aria-pressed", "true")
    assert [step["id"] for step in draft(site, journey)] == ["first", "email", "second"]
    insert(his, "push", ":second")
    told(his, "Added: Push")
    steps = draft(site, journey)
    assert [step["id"] for step in steps] == ["first", "email", "second", "push"]
    assert steps[0]["name"] == "His rest"


def test_a_refused_edit_leaves_the_open_step_chosen(pair: tuple[str, Page, Page]) -> None:
    _, hers, his = pair
    choose(his, "first", "1")
    insert(hers, "email", ":first")
    told(hers, "Added: Email")
    his.locator("#s-second").focus()
    his.keyboard.press("Delete")
    told(his, "Somebody else changed this journey")
    expect(his.locator("#s-first")).to_have_attribute("aria-pressed", "true")
    expect(his.locator("#s-second")).to_have_attribute("aria-pressed", "false")


def test_text_typed_for_a_step_that_is_gone_can_still_be_copied(
    site: Any, pair: tuple[str, Page, Page]
) -> None:
    journey, hers, his = pair
    choose(his, "second", "2")
    his.locator("[name=note]").fill("Long thought about")
    hers.locator("#s-second").focus()
    hers.keyboard.press("Delete")
    told(hers, "Deleted")
    for told_him in ("What you typed is still here", "That step is gone"):
        save(his)
        told(his, told_him)
        expect(his.locator("[name=note]")).to_have_value("Long thought about")
    assert [step["id"] for step in draft(site, journey)] == ["first"]
