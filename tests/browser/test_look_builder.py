"""The journey builder in each of its states: nothing for axe to find, nothing cut."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from designer.canvas.palette import kinds, new_step
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.store import documents
from tests.browser.hands import settled
from tests.browser.test_look import _wrong

CONDITION = {
    "any": [
        {"trait": "last_seen", "older_than": {"trait": "usual_gap", "times": 1.5}},
        {"event": "Order Completed", "sum": "total", "gte": 50, "within": "1y",
         "where": {"property": "currency", "eq": "CHF"}},
        {"event": "Order Completed", "count": {"gte": 2, "lte": 9}, "within": "90d"},
        {"all": [{"subscribed": "offers", "channel": "email"}, {"not": {"reachable": "sms"}}]},
        {"segment": "vip"},
    ]
}  # fmt: skip
ROUND = """\
id: elsewhere
name: Elsewhere
topic: news
entry: {on: {event: Sale Opened}}
steps:
  - {id: rest, type: weight, for: 1h}
"""
PAGES = {
    "versions": "/journeys/welcome/versions",
    "version": "/journeys/welcome/versions/1?step=hello",
    "archive": "/journeys/birthday/archive",
    "people": "/settings/people",
    "keys": "/settings/keys",
    "changes": "/settings/changes",
    "account": "/account",
}


@pytest.fixture(scope="module")
def steps(site: Any) -> Iterator[list[str]]:
    """The ids of the steps of a draft that has each kind, and each way of waiting."""
    made = [{**new_step(kind), "id": kind.replace("_", "-")} for kind in kinds()]
    by_id = {step["id"]: step for step in made}
    by_id["email"] |= {
        "template": "welcome",
        "note": "Ask Marie about the wording before this goes out.",
        "variants": [{"id": "plain", "weight": 50},
                     {"id": "gift", "weight": 50, "set": {"subject": "A present for you"}}],
    }  # fmt: skip
    by_id["branch"]["arms"] = [{"id": "one", "label": "Good customers", "if": CONDITION}]
    birthday = {"trait": "birth_date", "offset": "-7d", "time": "09:00", "yearly": True}
    monday = {"time": "10:00", "days": ["mon", "tue"]}
    made += [
        {"id": "birthday", "type": "wait", "until": birthday},
        {"id": "monday", "type": "wait", "until": monday},
    ]
    entry = {"on": {"event": "Product Added"}, "if": CONDITION}
    exits = [{"on": {"event": "Order Completed"}, "reason": "purchased"}]
    goal = {"event": "Order Completed", "within": "7d", "revenue": "total"}
    document = {"id": "kinds", "name": "One step of each kind", "entry": entry, "goal": goal,
                "exits": exits, "holdout": "5%", "topic": "offers", "steps": made}  # fmt: skip
    drafting.create(site.database, document, actor=COMMAND_LINE)
    yield [step["id"] for step in made]
    site.database.transact(lambda connection: documents.delete_draft(connection, "kinds"))


class Eye:
    """Somebody who looks at a page after another, and keeps what is wrong."""

    def __init__(self, page: Page, pictures: Path, suffix: str) -> None:
        self.page = page
        self.wrong: dict[str, Any] = {}
        self._pictures, self._suffix = pictures, suffix

    def look(self, name: str, part: str = "") -> None:
        """Look at the page, or only at a part of it that has changed."""
        settled(self.page)
        self.page.screenshot(path=self._pictures / f"{name}-{self._suffix}.png")
        if found := _wrong(self.page, part):
            self.wrong[name] = found

    def open(self, step: str) -> None:
        """Open a step's panel by its card, wherever that is just now."""
        with self.page.expect_response(lambda answer: "/panel" in answer.url):
            self.page.locator(f"#s-{step}").dispatch_event("click")

    def press(self, name: str) -> None:
        self.page.locator("#panel").get_by_role("button", name=name, exact=True).first.click()


@pytest.fixture(
    params=[
        ("desk", "dark", "fr-CH"),
        ("phone", "light", "fr-CH"),
    ],
    ids="-".join,
)
def eye(request: Any, opens: Callable[..., Page], pictures: Path) -> Eye:
    size, look, language = request.param
    return Eye(opens(size, look, language), pictures, f"{size}-{look}-{language[:2]}")


def test_each_panel_is_sound(eye: Eye, steps: list[str]) -> None:
    page = eye.page
    page.goto("/journeys/kinds?show=draft")
    eye.look("panel-journey")
    for step in steps:
        eye.open(step)
        expect(page.locator("#settings")).to_be_visible()
        eye.look(f"panel-{step}", "#panel")
    eye.open("email")
    page.locator("#t-1").click()
    expect(page.locator("#as-received iframe:visible")).to_have_count(1)
    eye.look("panel-email-second-version", "#panel")
    page.locator("[data-again=template]").click()
    eye.look("panel-email-new-template", "#panel")
    eye.open("wait")
    page.locator("[name='for.n']").fill("soon")
    page.locator("#settings button.first").click()
    expect(page.locator("#panel [aria-invalid]")).to_be_visible()
    eye.look("panel-wait-mistake", "#panel")
    assert not eye.wrong


def test_adding_and_moving_are_sound(eye: Eye, steps: list[str]) -> None:
    assert steps
    page = eye.page
    page.goto("/journeys/kinds?show=draft")
    page.locator(".slot").first.click()
    expect(page.locator("#palette")).to_be_visible()
    page.locator("[data-palette-search]").fill("e")
    eye.look("palette")
    page.goto("/journeys/kinds?show=draft&step=wait")
    page.locator("[data-op=start-move]").click()
    expect(page.locator(".moving .slot").first).to_be_visible()
    eye.look("moving")
    assert not eye.wrong


def test_walking_is_sound(eye: Eye) -> None:
    page = eye.page
    page.goto("/journeys/welcome/walk")
    for _ in range(4):
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.locator(".offer-card .button.first").first.click()
        settled(page)
    eye.look("walk-midway")
    page.goto("/journeys/abandoned-cart/walk")
    page.locator(".walk-change > summary").click()
    eye.look("walk-who", "#panel")
    value = page.locator(".walk-form [name$='.value']").first
    for typed, name in (("much", "walk-mistake"), ("12", "walk-refused")):
        value.fill(typed)
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.locator(".walk-form button.first").click()
        eye.look(name)
    assert not eye.wrong


def test_around_the_canvas_it_is_sound(eye: Eye) -> None:
    page = eye.page
    for name, address in PAGES.items():
        page.goto(address)
        eye.look(f"around-{name}")
    page.goto("/import")
    page.locator("textarea[name=text]").fill(ROUND)
    page.locator("form.import button.first").click()
    expect(page.locator("form.import .will")).to_be_visible()
    eye.look("around-import-mistakes")
    page.goto("/journeys/welcome/customers?of=inside")
    page.locator("[data-page]").check()
    page.evaluate("() => scrollTo(0, 0)")  # what lies under the bar cannot be pressed
    eye.look("around-inside-chosen")
    page.locator("[name=action][value=end]").click()
    eye.look("around-intervention")
    assert not eye.wrong
