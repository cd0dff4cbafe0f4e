"""A marketer walks a customer through a journey, by mouse and by keyboard."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect


def test_a_whole_walk(opens: Callable[..., Page], pictures: Path) -> None:
    page = opens()
    page.goto("/journeys/abandoned-cart")
    page.get_by_role("link", name="Walk through").click()
    stands = page.locator("#next")
    expect(stands).to_contain_text("She is at: Wait 1 hour")
    expect(page.locator("#s-cool-off")).to_contain_text("She is here")
    page.screenshot(path=pictures / "walk-begun.png")
    page.get_by_role("button", name="1 hour later").click()
    expect(stands).to_contain_text("She is at: First reminder")
    expect(page.locator("#s-cool-off")).to_contain_text("She came by here")
    expect(stands).to_be_focused()
    page.locator("summary", has_text="What she gets").click()
    letter = page.frame_locator(".letter iframe")
    expect(letter.locator("body")).to_contain_text("Your basket is waiting")
    page.screenshot(path=pictures / "walk-letter.png")
    page.get_by_role("button", name="The message is sent: Email").click()
    expect(page.locator(".trace")).to_contain_text("First reminder: sent")
    page.screenshot(path=pictures / "walk-sent.png")
    page.get_by_role("button", name="She opens “First reminder”").click()
    expect(stands).to_contain_text("She has left: reached")
    expect(page.locator("#l-opened > .arms > .arm.passed")).to_have_count(1)
    expect(page.locator("#s-nudge")).not_to_contain_text("She")
    page.screenshot(path=pictures / "walk-ended.png")
    page.locator(".told", has_text="First reminder: sent").click()
    expect(page.locator("#s-first-mail")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Back one step").click()
    expect(stands).to_contain_text("She is at: Wait for")
    page.get_by_role("button", name="Start again").click()
    expect(stands).to_contain_text("She is at: Wait 1 hour")
    expect(page).to_have_url("/journeys/abandoned-cart/walk")


def test_a_walk_by_keyboard_alone(opens: Callable[..., Page], pictures: Path) -> None:
    page = opens("phone", "dark")
    page.goto("/journeys/abandoned-cart/walk")
    page.locator(".walk-change > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("anna")
    page.keyboard.press("Enter")
    first = page.locator(".person").first
    expect(first).to_be_focused()
    page.screenshot(path=pictures / "walk-found-phone.png", full_page=True)
    page.keyboard.press("Enter")
    expect(page.locator(".walk-who h2")).to_contain_text("Anna Meier")
    stands = page.locator("#next")
    expect(stands).to_be_focused()
    page.locator(".walk-change > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Value of cart_value").fill("much")
    page.keyboard.press("Enter")
    expect(page.locator(".walk-form [role=alert]")).to_be_focused()
    page.screenshot(path=pictures / "walk-wrong-phone.png", full_page=True)
    page.get_by_label("Value of cart_value").fill("12")
    page.keyboard.press("Enter")
    expect(stands).to_have_text("She does not enter")
    page.screenshot(path=pictures / "walk-refused-phone.png", full_page=True)
