"""Ways that are collapsed: what is left of them, for how long, and what opens them again."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

BUYERS = {"event": "Order Completed", "within": "30d"}
WAIT = {"type": "wait", "for": "1d"}


def steps() -> list[dict[str, Any]]:
    """A wait, then a branch: one way with a branch of its own, the other with a message to mend."""
    inner = {"id": "inner", "type": "branch", "else": [{"id": "no", **WAIT}],
             "arms": [{"id": "again", "label": "Again", "if": BUYERS,
                       "then": [{"id": "yes", **WAIT}]}]}  # fmt: skip
    message = {"id": "mail", "type": "send", "channel": "email", "name": "Untold"}
    return [
        {"id": "first", **WAIT},
        {"id": "outer", "type": "branch", "else": [message, {"id": "later", **WAIT}],
         "arms": [{"id": "buyers", "label": "Buyers", "if": BUYERS, "then": [inner]}]},
        {"id": "last", **WAIT},
    ]  # fmt: skip


def head(page: Page, way: str) -> Any:
    return page.locator(f"[data-fold='{way}']")


def middle(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


def shut(page: Page, way: str) -> None:
    expect(head(page, way)).to_have_attribute("aria-expanded", "false")


def columns(page: Page) -> int:
    return int(page.locator("#tree").evaluate("tree => tree.style.getPropertyValue('--columns')"))


def test_a_collapsed_way_is_one_column_and_says_what_it_holds(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    assert columns(page) == 3
    head(page, "outer/buyers").click()
    shut(page, "outer/buyers")
    expect(head(page, "outer/buyers")).to_contain_text(re.compile(r"Buyers.*3 steps"))
    expect(page.locator("#s-inner")).to_be_hidden()
    assert columns(page) == 2
    assert middle(page, "#s-outer") == pytest.approx(middle(page, "#s-last"), abs=1)
    rail = page.locator("#l-outer > .join").evaluate(
        """join => {
            const [box, rail] = [join.getBoundingClientRect(), getComputedStyle(join, '::before')];
            const left = box.left + parseFloat(rail.left) * join.currentCSSZoom;
            return [left, left + parseFloat(rail.width) * join.currentCSSZoom];
        }"""
    )
    heads = [middle(page, "[data-fold='outer/buyers']"), middle(page, "[data-fold='outer/else']")]
    assert rail == pytest.approx(heads, abs=3)
    head(page, "outer/buyers").click()
    expect(page.locator("#s-inner")).to_be_visible()
    assert columns(page) == 3


def test_a_whole_step_collapses_and_shows_what_is_wrong_in_it(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    head(page, "outer").click()
    expect(head(page, "outer")).to_have_text(re.compile(r"5 steps\s*1 to put right"))
    expect(page.locator("#l-outer > .arms")).to_be_hidden()
    assert columns(page) == 1
    head(page, "outer").click()
    head(page, "outer/else").click()
    expect(head(page, "outer/else")).to_contain_text("1 to put right")
    assert "put right" not in head(page, "outer/buyers").inner_text()


def test_an_edit_never_shows_what_is_collapsed(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    head(page, "outer/buyers").click()
    page.evaluate(
        """() => {
            window.seen = [];
            const look = () => {
                const inner = document.getElementById("s-inner").checkVisibility();
                const cards = document.querySelectorAll(".step-card").length;
                window.seen.push([inner, cards]);
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    page.locator("#s-first").focus()
    page.keyboard.press("d")
    expect(page.locator("#said")).to_contain_text("Duplicated")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    seen = page.evaluate("() => window.seen")
    assert {cards for _, cards in seen} == {8, 9}, "the new tree was seen"
    assert not any(inner for inner, _ in seen)
    assert columns(page) == 2


def test_each_journey_remembers_for_itself(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    one, other = drawn(*steps()), drawn(*steps())
    page.goto(f"/journeys/{one}")
    head(page, "outer/buyers").click()
    page.reload()
    shut(page, "outer/buyers")
    expect(page.locator("#s-inner")).to_be_hidden()
    page.goto(f"/journeys/{other}")
    expect(page.locator("#s-inner")).to_be_visible()


@pytest.mark.parametrize(("size", "view"), [("desk", ""), ("desk", "?view=outline"), ("phone", "")])
def test_by_keyboard(
    opens: Callable[..., Page], drawn: Callable[..., str], size: str, view: str
) -> None:
    page = opens(size)
    page.goto(f"/journeys/{drawn(*steps())}{view}")
    page.locator("#s-mail").focus()
    page.keyboard.press("e")
    shut(page, "outer/else")
    expect(head(page, "outer/else")).to_be_focused()
    expect(page.locator("#s-mail")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#s-mail")).to_be_visible()
    page.locator("#s-outer").focus()
    page.keyboard.press("e")
    shut(page, "outer")
    expect(page.locator("#s-outer")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(head(page, "outer")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-slot=':outer']")).to_be_focused()


def test_what_is_chosen_inside_opens_it(
    opens: Callable[..., Page], drawn: Callable[..., str]
) -> None:
    page = opens()
    journey = drawn(*steps())
    page.goto(f"/journeys/{journey}")
    head(page, "inner/again").click()
    head(page, "outer").click()
    page.goto(f"/journeys/{journey}?show=draft&step=yes")
    expect(page.locator("#s-yes")).to_be_visible()
    page.goto(f"/journeys/{journey}")
    expect(page.locator("#s-yes")).to_be_visible()
    head(page, "outer/buyers").click()
    head(page, "outer/buyers").focus()
    page.keyboard.press("a")
    page.keyboard.type("an email")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Added: Email")
    expect(page.locator("#s-email")).to_be_focused()


def test_a_step_is_dropped_into_a_collapsed_way(
    opens: Callable[..., Page], drawn: Callable[..., str], site: Any
) -> None:
    page = opens()
    page.goto(f"/journeys/{drawn(*steps())}")
    head(page, "outer/else").click()
    box, lid = page.locator("#s-last").bounding_box(), head(page, "outer/else").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(lid["x"] + 15, lid["y"] + 8, steps=5)
    slot = page.locator("[data-slot='outer/else:']")
    expect(slot).to_be_visible()
    at = slot.bounding_box()
    assert at is not None
    page.mouse.move(at["x"] + 8, at["y"] + 8, steps=3)
    page.mouse.up()
    expect(page.locator("#said")).to_contain_text("Moved")
    expect(page.locator("#l-outer #s-last")).to_be_focused()
