"""Without a mouse: where the focus is, where it goes, and that nothing takes it away."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from designer.canvas.palette import kinds, new_step
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.store import documents
from tests.browser.hands import Keyboard, settled

WAY = "/journeys/walked?show=draft"


@pytest.fixture(scope="module")
def walked(site: Any) -> Iterator[list[str]]:
    """The ids of the steps of a draft that has one of each kind."""
    steps = [{**new_step(kind), "id": kind.replace("_", "-")} for kind in kinds()]
    split = next(step for step in steps if step["id"] == "split")
    email = next(step for step in steps if step["id"] == "email")
    email["name"] = "First mail"
    email["variants"] = [{"id": "a", "weight": 50}, {"id": "b", "weight": 50}]
    split["arms"][0]["then"] = [{"id": "rest", "type": "wait", "for": "1d"}]
    condition = {"all": [{"trait": "country", "eq": "CH"}, {"reachable": "email"}]}
    entry = {"on": {"event": "Product Added"}, "if": condition}
    journey = {"id": "walked", "name": "Walked", "entry": entry, "topic": "offers"}
    drafting.create(site.database, {**journey, "steps": steps}, actor=COMMAND_LINE)
    yield [step["id"] for step in steps]
    site.database.transact(lambda connection: documents.delete_draft(connection, "walked"))


@pytest.fixture
def keys(opens: Callable[..., Page], walked: list[str]) -> Keyboard:
    """The keyboard before the whole draft."""
    page = opens()
    page.goto(WAY)
    return Keyboard(page)


def test_a_new_row_is_begun_and_a_removed_one_leaves_the_next(keys: Keyboard) -> None:
    page = keys.page
    enters = page.get_by_role("group", name="Who enters")
    rows = enters.get_by_role("group", name="Condition")
    keys.push(enters.get_by_role("button", name="Condition", exact=True))
    expect(rows).to_have_count(3)
    expect(rows.last.get_by_label("What is asked")).to_be_focused()
    keys.press("Tab")
    expect(rows.last.get_by_role("button", name="Remove this condition")).to_be_focused()
    for left in (2, 1):
        keys.press("Enter")
        expect(rows).to_have_count(left)
        expect(rows.last.get_by_role("button", name="Remove this condition")).to_be_focused()
    keys.press("Enter")
    expect(rows).to_have_count(0)
    expect(enters.get_by_role("button", name="Condition", exact=True)).to_be_focused()


def test_a_choice_that_changes_the_form_keeps_the_focus(keys: Keyboard) -> None:
    row = keys.page.get_by_role("group", name="Who enters").get_by_role("group", name="Condition")
    keys.choose(row.first.get_by_label("What is asked"), "What the customer wants to get")
    expect(row.first.get_by_label("What is asked")).to_be_focused()
    expect(row.first.get_by_label("Wants or does not")).to_be_visible()


def test_saving_keeps_the_focus(keys: Keyboard) -> None:
    priority = keys.page.get_by_label("Priority, 0 to 100")
    keys.write(priority, "61")
    keys.press("Control+s")
    expect(keys.page.get_by_role("status").filter(has_text="Saved").first).to_be_attached()
    settled(keys.page)
    expect(priority).to_be_focused()
    save = keys.page.get_by_role("button", name="Save", exact=True)
    keys.push(save)
    expect(save).to_be_focused()


def test_saving_keeps_the_version_that_is_open(keys: Keyboard) -> None:
    page = keys.page
    page.goto(f"{WAY}&step=email")
    versions = page.get_by_role("group", name="A/B test")
    keys.turn(versions.get_by_role("tab"), 1)
    keys.write(versions.get_by_role("tabpanel").get_by_label("Subject"), "A present")
    keys.press("Control+s")
    expect(page.get_by_role("status").filter(has_text="Saved").first).to_be_attached()
    settled(page)
    expect(versions.get_by_role("tab").nth(1)).to_have_attribute("aria-selected", "true")
    expect(versions.get_by_role("tabpanel").get_by_label("Subject")).to_be_focused()


def test_what_is_typed_while_the_form_is_drawn_anew_stays(keys: Keyboard) -> None:
    page = keys.page

    def slowly(route: Route) -> None:
        time.sleep(0.4)
        route.continue_()

    page.route("**/panel", slowly)
    enters = page.get_by_role("group", name="Who enters")
    condition = enters.get_by_role("button", name="Condition", exact=True)
    before = enters.get_by_role("group", name="Condition").count()
    keys.go(condition)
    keys.press("Enter", "Enter")
    keys.write(page.get_by_label("Priority, 0 to 100"), "77")
    settled(page)
    expect(page.get_by_label("Priority, 0 to 100")).to_have_value("77")
    expect(page.get_by_label("Priority, 0 to 100")).to_be_focused()
    expect(enters.get_by_role("group", name="Condition")).to_have_count(before + 2)


def test_a_step_that_is_gone_or_closed_leaves_its_card(keys: Keyboard) -> None:
    page = keys.page
    steps = page.get_by_label("Steps", exact=True)
    page.goto(f"{WAY}&step=sms")
    panel = page.get_by_label("Details")
    keys.push(panel.get_by_role("button", name="Duplicate"))
    expect(steps.locator("#s-sms-2")).to_be_focused()
    keys.push(panel.get_by_role("button", name="Delete"))
    settled(page)
    assert page.evaluate("() => document.activeElement.matches('#tree .step-card')")
    keys.push(panel.get_by_role("button", name="Close"))
    expect(steps.locator("#s-")).to_be_focused()


def test_undoing_by_its_button_keeps_the_focus(keys: Keyboard) -> None:
    page = keys.page
    page.goto(f"{WAY}&step=sms")
    keys.push(page.get_by_label("Details").get_by_role("button", name="Duplicate"))
    keys.push(page.get_by_role("button", name="Undo: duplicate"))
    expect(page.get_by_role("button", name="Redo: duplicate")).to_be_enabled()
    assert page.evaluate("() => document.activeElement.matches('#editing button')")


def test_down_leads_into_the_ways_of_a_step(keys: Keyboard) -> None:
    page = keys.page
    page.goto(f"{WAY}&step=wait-for")
    page.locator("#s-wait-for").focus()
    keys.press("ArrowDown")
    expect(page.locator("[data-slot='wait-for/event-0:']")).to_be_focused()
    keys.press("ArrowRight")
    expect(page.locator("[data-slot='wait-for/else:']")).to_be_focused()
    keys.press("ArrowUp")
    expect(page.locator("#s-wait-for")).to_be_focused()


def test_an_event_about_a_message_asks_of_which_at_once(keys: Keyboard) -> None:
    page = keys.page
    page.goto(f"{WAY}&step=wait-for")
    which = page.get_by_label("Of which message")
    expect(which).to_be_hidden()
    keys.write(page.get_by_label("The customer does"), "Message Opened")
    expect(which).to_be_visible()
    keys.choose(which, "First mail")
    keys.write(page.get_by_label("The customer does"), "Order Completed")
    expect(which).to_be_hidden()


# Walks

MAIN = (
    "/journeys", "/journeys/welcome", "/journeys/welcome?show=draft&view=outline", "/journeys/abandoned-cart/versions", "/new", "/templates",
    "/templates/welcome", "/templates/new", "/topics", "/manners", "/manners/rules/new",
    "/messages", "/customers", "/outbox", "/events", "/journeys/birthday/publish",
    "/journeys/birthday/document", "/import", "/account", "/settings/people",
)  # fmt: skip

STANDS = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    window.passed ??= [];
    const before = window.passed.at(-1);
    window.passed.push(one);
    const outlined = (node) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(node);
        return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
    };
    const around = [one, one.parentElement, one.closest("tr, .code-box")].filter(Boolean);
    const box = one.getBoundingClientRect();
    const words = one.getAttribute("aria-label") ?? one.labels?.[0]?.innerText ?? one.innerText;
    return {
        name: `${one.localName} ${one.id} ${(words ?? "").trim().slice(0, 40)}`,
        parts: one.matches("iframe, input[type=date], input[type=time]"),
        takesTab: one.matches("textarea, .code-box"),
        same: before === one,
        again: window.passed.indexOf(one) < window.passed.length - 1 && before !== one,
        visible: around.some(outlined),
        inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
            && box.top < innerHeight && box.left < innerWidth,
        follows: !before || before === one
            || !!(before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING),
    };
}"""
MOST = 300


def walk(page: Page, start: str = "") -> list[str]:
    """Tab through a page, from the skip link or `start` to its end; return what is wrong."""
    wrong: list[str] = []
    page.evaluate("() => { window.passed = []; }")
    if start:
        page.locator(start).focus()
    for n in range(MOST):
        page.keyboard.press("Tab")
        at = page.evaluate(STANDS)
        if at is None:
            return wrong if n > 5 else [*wrong, f"the focus is lost after {n} stops"]
        begins = at["name"].endswith("Skip to the content")
        if n and begins:
            return wrong
        if n == 0 and not start and not begins:
            wrong.append(f"the page does not begin with its skip link, but with {at['name']}")
        if at["again"]:
            return [*wrong, f"goes round at {at['name']}"]
        if at["same"] and at["takesTab"]:
            page.keyboard.press("Escape")  # a text in which Tab indents says so beside it
        if not at["visible"] and not (at["same"] and at["parts"]):
            wrong.append(f"no outline: {at['name']}")
        if not at["inside"]:
            wrong.append(f"out of sight: {at['name']}")
        if not at["follows"]:
            wrong.append(f"out of order: {at['name']}")
    return [*wrong, f"trapped: {at['name']}"]


def test_tab_walks_every_main_page(opens: Callable[..., Page]) -> None:
    page = opens()
    wrong = {}
    for address in MAIN:
        page.goto(address)
        if found := walk(page):
            wrong[address] = found
    assert not wrong


def test_tab_walks_the_canvas_with_each_panel(
    opens: Callable[..., Page], walked: list[str]
) -> None:
    page = opens()
    wrong = {}
    for step in ("", *walked):
        page.goto(f"{WAY}&step={step}")
        if found := walk(page, f"#s-{step}" if step else ""):
            wrong[step] = found
    assert not wrong


@pytest.mark.parametrize("address", ["/journeys", WAY])
def test_the_skip_link_leads_to_the_content(
    opens: Callable[..., Page], walked: list[str], address: str
) -> None:
    assert walked
    page = opens()
    page.goto(address)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => !!document.activeElement.closest('#main')")
