"""A journey's versions, archive and files in a browser: nothing for axe to find, and it works."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from tests.browser.test_look import _wrong

STEPS = """
id: lives
name: Summer sale
topic: news
entry: {{on: {{event: Sale Opened}}, reentry: {{mode: once}}}}
goal: {{event: Order Completed, within: 7d}}
steps:
  - {{id: rest, name: Cool-off, type: wait, for: {wait}}}
  - id: hello
    name: First mail
    type: send
    channel: email
    template: welcome
    subject: {subject}
  - id: vip
    name: Good customers
    type: branch
    arms:
      - id: gold
        label: Gold
        if: {{trait: tier, eq: gold}}
        then: [{{id: more, name: Thanks, type: send, channel: email, template: welcome}}]
"""


@pytest.fixture(scope="module")
def journey(site: Any) -> str:
    """A journey of two versions, whose draft differs from the second."""
    text = STEPS.format(wait="1h", subject="Sale from today")
    save_journey(site.database, parse_journey(text), text, actor=COMMAND_LINE)
    publish(site.database, "lives", actor=COMMAND_LINE)
    for _ in range(3):
        event = Incoming(
            source="test", message_id=uuid4().hex, kind="track", name="Sale Opened",
            user_id=uuid4().hex,
        )  # fmt: skip
        receive(site.database, [event])
    text = STEPS.format(wait="2h", subject="The sale is on")
    save_journey(site.database, parse_journey(text), text, actor=COMMAND_LINE)
    publish(site.database, "lives", actor=COMMAND_LINE)
    text = STEPS.format(wait="2h", subject="Only this week").replace("tier, eq", "level, eq")
    save_journey(site.database, parse_journey(text), text, actor=COMMAND_LINE)
    return "lives"


@pytest.mark.parametrize(("size", "look"), [("desk", "light"), ("desk", "dark"), ("phone", "dark")])
def test_the_pages_are_sound(
    opens: Callable[..., Page], pictures: Path, journey: str, size: str, look: str
) -> None:
    page = opens(size, look)
    wrong = {}
    for name, address in {
        "versions": f"/journeys/{journey}/versions",
        "version": f"/journeys/{journey}/versions/1?step=hello",
        "publish-changed": f"/journeys/{journey}/publish",
        "archive": f"/journeys/{journey}/archive",
        "import": "/import",
        "journeys": "/journeys",
    }.items():
        page.goto(address)
        page.screenshot(path=pictures / f"life-{name}-{size}-{look}.png", full_page=True)
        if found := _wrong(page):
            wrong[name] = found
    page.goto("/import")
    page.get_by_label("Its text").fill(STEPS.format(wait="9h", subject="Else"))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("button", name="Replace the draft")).to_be_visible()
    page.screenshot(path=pictures / f"life-import-there-{size}-{look}.png", full_page=True)
    if found := _wrong(page):
        wrong["import-there"] = found
    assert not wrong


def test_a_file_is_chosen_looked_at_and_imported(
    opens: Callable[..., Page], tmp_path: Path
) -> None:
    file = tmp_path / "new.yaml"
    text = STEPS.format(wait="1h", subject="Fresh").replace("id: lives", "id: fresh")
    file.write_text(text.replace("type: wait", "type: weight"))
    page = opens()
    page.goto("/journeys")
    page.get_by_role("link", name="Import a file").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    expect(page.get_by_label("Its text")).to_have_value(file.read_text())
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Line 8")).to_be_visible()
    file.write_text(text)
    page.get_by_label("File", exact=True).set_input_files(file)
    expect(page.get_by_label("Its text")).to_have_value(text)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    with page.expect_download() as downloaded:
        page.goto("/journeys/fresh/publish")
        page.get_by_role("link", name="Download as a file").click()
    assert downloaded.value.suggested_filename == "fresh.yaml"
    assert Path(downloaded.value.path()).read_text() == text


def test_a_version_is_looked_at_and_made_the_draft_again(
    opens: Callable[..., Page], journey: str
) -> None:
    page = opens()
    page.goto(f"/journeys/{journey}/versions")
    page.get_by_role("link", name="Look at it").last.click()
    page.get_by_role("button", name="Good customers").click()
    expect(page.locator("#panel h2")).to_have_text("Good customers")
    page.get_by_role("button", name="Make this the draft again").click()
    expect(page.get_by_role("status")).to_contain_text("Version 1 is the draft again")
