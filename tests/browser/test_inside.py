"""Behind the figures, in a browser: the list, ending and moving on, and the choice of a period."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from engine.flow.intake import Incoming, receive
from engine.flow.publish import pause, publish, resume, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from tests.browser.test_look import _wrong

TEXT = """
id: {id}
name: Spring offers
topic: news
entry: {{on: {{event: Spring Opened {id}}}}}
steps:
  - {{id: rest, name: Rest, type: wait, for: 30d}}
  - {{id: mail, name: Offer, type: send, channel: email, template: welcome}}
"""


@pytest.fixture
def journey(site: Any) -> str:
    """A journey in which four customers wait."""
    made = f"spring-{uuid4().hex[:8]}"
    text = TEXT.format(id=made)
    save_journey(site.database, parse_journey(text), text, actor=COMMAND_LINE)
    publish(site.database, made, actor=COMMAND_LINE)
    for name in ("Ada", "Bea", "Cleo", "Dora"):
        user = uuid4().hex
        told = {"source": "test", "user_id": user}
        traits = {"first_name": name, "last_name": "Spring", "email": f"{user}@mail.example"}
        receive(site.database, [
            Incoming(message_id=uuid4().hex, kind="identify", name="Customer Identified",
                     traits=traits, **told),
            Incoming(message_id=uuid4().hex, kind="track", name=f"Spring Opened {made}", **told),
        ])  # fmt: skip
    return made


def test_from_a_figure_to_those_behind_it_who_are_moved_on_and_ended(
    opens: Callable[..., Page], journey: str
) -> None:
    page = opens()
    page.goto(f"/journeys/{journey}")
    expect(page.locator("#n-rest")).to_have_text("4")
    page.locator("#n-rest").click()
    page.wait_for_url("**/customers?step=rest&of=waiting")
    expect(page.locator("h1")).to_contain_text("at “Rest” now")
    page.get_by_label("Choose Ada Spring").check()
    page.get_by_role("button", name="Move on…").click()
    page.get_by_role("button", name="Move 1 customer on").click()
    expect(page.locator("#progress")).to_contain_text("1 customer is moved on.")
    page.get_by_role("link", name="To the list").first.click()
    expect(page.locator("#results a.name")).to_have_count(3)

    page.get_by_label("All 3 that the filter finds").check()
    expect(page.get_by_label("Choose Bea Spring")).to_be_disabled()
    page.get_by_role("button", name="End…").click()
    page.get_by_label("Reason").fill("the offer is over")
    page.get_by_role("button", name="End 3 customers").click()
    expect(page.locator("#progress")).to_contain_text("3 customers are ended.")
    page.goto(f"/journeys/{journey}/customers?of=left")
    expect(page.locator("#results .badge").first).to_have_text("The offer is over")
    page.locator("#results a.name").first.click()
    expect(page.locator("details.run[open]")).to_contain_text("the offer is over")


def test_period_and_rates_stay_in_the_address(opens: Callable[..., Page], journey: str) -> None:
    page = opens()
    page.goto(f"/journeys/{journey}")
    page.locator("#s-rest").click()
    page.wait_for_url("**step=rest")
    page.get_by_label("Of which time").select_option("7d")
    page.wait_for_url("**period=7d**")
    expect(page.locator("#panel h2").first).to_have_text("Rest")
    expect(page.locator("#t-entered")).to_have_text("4")
    page.get_by_role("link", name="Rates").click()
    page.wait_for_url("**figures=rates**")
    assert "step=rest" in page.url
    page.locator("#s-mail").click()
    page.wait_for_url("**step=mail**")
    assert "figures=rates" in page.url
    assert "period=7d" in page.url
    page.get_by_label("Of which time").select_option("own")
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-01-31")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**from=2020-01-01**")
    expect(page.locator("#t-entered")).to_have_text("0")
    expect(page.locator("#n-rest")).to_have_text("4")


def test_figures_are_reached_by_keyboard(opens: Callable[..., Page], journey: str) -> None:
    page = opens()
    page.goto(f"/journeys/{journey}")
    page.locator("#s-rest").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers?step=rest&of=waiting")


def test_a_list_follows_its_filters(opens: Callable[..., Page], journey: str) -> None:
    page = opens()
    page.goto(f"/journeys/{journey}/customers")
    page.get_by_role("searchbox").press_sequentially("cleo")
    expect(page.locator("#results a.name")).to_have_text(["Cleo Spring"])
    expect(page.locator("#inside-head")).to_contain_text("1 customer")
    page.get_by_label("Step").select_option("rest")
    page.wait_for_url("**step=rest**")
    expect(page.locator("h1")).to_contain_text("Customers who came to “Rest”")
    page.get_by_label("Figure").select_option("waiting")
    page.wait_for_url("**of=waiting**")
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Export (CSV)").click()
    lines = Path(downloaded.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0] == "id,external_id,email,step,since,until,result"
    assert len(lines) == 2


@pytest.mark.parametrize(("size", "look"), [("desk", "light"), ("desk", "dark"), ("phone", "dark")])
def test_the_pages_are_sound(
    site: Any, opens: Callable[..., Page], pictures: Path, journey: str, size: str, look: str
) -> None:
    page = opens(size, look)
    wrong: dict[str, Any] = {}

    def look_at(name: str) -> None:
        page.screenshot(path=pictures / f"inside-{name}-{size}-{look}.png", full_page=True)
        if found := _wrong(page):
            wrong[name] = found

    pause(site.database, journey, actor=COMMAND_LINE)
    for name, address in {
        "canvas": f"/journeys/{journey}?step=rest",
        "editing": f"/journeys/{journey}?show=draft&step=mail&figures=rates",
        "list": f"/journeys/{journey}/customers?step=rest&of=waiting",
        "wrong": f"/journeys/{journey}/customers?from=never",
    }.items():
        page.goto(address)
        look_at(name)
    page.goto(f"/journeys/{journey}/customers?of=inside")
    page.get_by_role("button", name="End…").click()
    look_at("nobody")
    for action in ("Move on…", "End…"):
        page.goto(f"/journeys/{journey}/customers?of=inside")
        page.locator("[data-page]").check()
        page.get_by_role("button", name=action).click()
        look_at(action[:3])
        if action == "End…":
            page.get_by_label("Reason").fill("no more")
        page.locator("form.card button.first").click()
        expect(page.locator("#progress")).to_be_visible()
        look_at(f"{action[:3]}-done")
    resume(site.database, journey, actor=COMMAND_LINE)
    assert not wrong
