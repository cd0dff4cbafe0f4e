"""Building a journey in the browser: by mouse, and again by keyboard alone."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine.model.document import journey_of
from engine.store import documents


@pytest.fixture
def made(site: Any) -> Iterator[list[str]]:
    """Journeys that a test has made, by id: they are deleted in the end."""
    ids: list[str] = []
    yield ids
    for id_ in ids:
        site.database.transact(lambda c, id_=id_: documents.delete_draft(c, id_))


def begin(page: Page, name: str, made: list[str]) -> str:
    page.goto("/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("What the customer does").fill("Product Added")
    page.get_by_role("button", name="Open the canvas").click()
    page.wait_for_url("**/journeys/*")  # with its scripts: keys are pressed at once
    found = re.search(r"/journeys/([^?]+)", page.url)
    assert found is not None
    made.append(found[1])
    return found[1]


def said(page: Page, text: str) -> None:
    expect(page.locator("#said")).to_contain_text(text)


def save(page: Page) -> None:
    page.locator("#settings").get_by_role("button", name="Save").click()
    said(page, "Saved")


def draft(site: Any, journey: str) -> dict[str, Any]:
    with site.database.read() as connection:
        return dict(documents.journey(connection, journey).draft)


def test_built_by_mouse(opens: Callable[..., Page], site: Any, made: list[str]) -> None:
    page = opens()
    journey = begin(page, "Left behind", made)
    page.locator(".slot").first.click()
    page.locator("[data-offer=wait]").click()
    said(page, "Added: Wait 1 day")
    page.locator("[name='for.n']").fill("1")
    page.locator("[name='for.unit']").select_option("h")
    save(page)
    expect(page.locator("#s-wait")).to_contain_text("Wait 1 hour")
    drag(page, "[data-offer=email]", "[data-slot=':wait']")
    said(page, "Added: Email")
    page.locator("[name=name]").fill("First mail")
    page.get_by_role("button", name="Test versions").click()
    expect(page.get_by_role("tab")).to_have_count(3 - 1)
    page.locator("[name='variants.0.weight']").fill("60")
    expect(page.locator("[data-share='1']")).to_have_text("40 %")
    save(page)
    drag(page, "[data-offer=wait_for]", "[data-slot=':email']")
    said(page, "Added: Wait for")
    drag(page, "[data-offer=exit]", "[data-slot='wait-for/event-0:']")
    said(page, "Added: Leaves")
    drag(page, "[data-offer=push]", "[data-slot=':wait-for']")
    said(page, "Added: Push")
    built = draft(site, journey)
    assert [step["id"] for step in built["steps"]] == ["wait", "email", "wait-for", "push"]
    assert [one["weight"] for one in built["steps"][1]["variants"]] == [60, 40]
    assert built["steps"][2]["events"][0]["then"][0]["type"] == "exit"
    drag(page, "#s-push", "[data-slot='wait-for/else:']")
    said(page, "Moved: Push")
    assert [step["id"] for step in draft(site, journey)["steps"]] == ["wait", "email", "wait-for"]
    page.get_by_role("button", name="Undo: move Push").click()
    said(page, "Undone: move Push")
    page.reload()
    expect(page.get_by_role("button", name="Redo: move Push")).to_be_enabled()
    assert draft(site, journey) == built


def drag(page: Page, what: str, slot: str) -> None:
    box, to = page.locator(what).bounding_box(), page.locator(slot).bounding_box()
    assert box is not None
    assert to is not None
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 30, steps=3)
    page.mouse.move(to["x"] + 8, to["y"] + 8, steps=5)
    page.mouse.up()


def test_built_by_keyboard(opens: Callable[..., Page], site: Any, made: list[str]) -> None:
    page = opens()
    journey = begin(page, "By keys", made)
    page.locator("#s-").focus()
    press(page, "a")
    page.keyboard.type("wait for a length")
    press(page, "Enter")
    said(page, "Added: Wait 1 day")
    expect(page.locator("#s-wait")).to_be_focused()
    press(page, "a")
    page.keyboard.type("an email")
    press(page, "Enter")
    said(page, "Added: Email")
    expect(page.locator("#s-email")).to_be_focused()
    press(page, "d")
    said(page, "Duplicated: Email")
    expect(page.locator("#s-email-2")).to_be_focused()
    press(page, "m")
    press(page, "ArrowUp")
    press(page, "ArrowUp")
    press(page, "Enter")
    said(page, "Moved: Email")
    expect(page.locator("#s-email-2")).to_be_focused()
    assert [step["id"] for step in draft(site, journey)["steps"]][-1] == "email"
    press(page, "Delete")
    said(page, "Deleted: Email")
    press(page, "Control+z")
    said(page, "Undone: delete Email")
    press(page, "Control+y")
    said(page, "Redone: delete Email")
    assert [step["id"] for step in draft(site, journey)["steps"]] == ["wait", "email"]
    page.locator("#s-wait").focus()
    press(page, "ArrowDown")
    expect(page.locator("[data-slot=':wait']")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("[data-palette-search]")).to_be_focused()
    press(page, "Escape")
    expect(page.locator("[data-slot=':wait']")).to_be_focused()


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)


def test_typed_settings_are_saved_before_another_step_is_opened(
    opens: Callable[..., Page], site: Any, made: list[str]
) -> None:
    page = opens()
    journey = begin(page, "Careful", made)
    for kind in ("wait", "branch"):
        page.locator("[data-slot=':']").click()
        page.locator(f"[data-offer={kind}]").click()
        said(page, "Added")
    page.locator("[name='arms.0.label']").fill("Buyers")
    page.get_by_role("button", name="Condition", exact=True).click()
    page.locator("[name='arms.0.if.rows.1.trait']").fill("country")
    page.locator("[name='arms.0.if.rows.1.tests.0.value']").fill("CH")
    page.locator("#s-wait").click()
    said(page, "Saved")
    expect(page.locator("[name='for.n']")).to_be_visible()
    arm = draft(site, journey)["steps"][0]["arms"][0]
    assert arm["label"] == "Buyers"
    assert arm["if"]["all"][1] == {"trait": "country", "eq": "CH"}
    page.locator("[name='for.n']").fill("soon")
    page.locator("#s-branch").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("[name='for.n']").input_value() == "soon"
    journey_of(draft(site, journey))


def test_a_copied_step_goes_into_another_journey(
    opens: Callable[..., Page], site: Any, made: list[str]
) -> None:
    page = opens()
    journey = begin(page, "Copied into", made)
    page.goto("/journeys/abandoned-cart?show=draft")
    page.locator("#s-opened").focus()
    press(page, "c")
    page.goto(f"/journeys/{journey}?show=draft")
    page.locator("#s-").focus()
    press(page, "v")
    said(page, "Pasted")
    assert draft(site, journey)["steps"][0]["type"] == "wait_for"
