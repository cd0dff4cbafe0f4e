"""Templates in the browser: written, previewed, saved and tried."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect


def test_a_template_is_written_previewed_and_saved(
    opens: Callable[..., Page], pictures: Path
) -> None:
    page = opens()
    page.goto("/templates/new")
    page.get_by_label("Name", exact=True).fill("Spring sale")
    page.get_by_label("Id, by which journeys name it").fill("spring-sale")
    page.get_by_role("button", name="Create it").click()
    page.get_by_label("Subject").fill("Hello {{ customer.first_name }}")
    code = page.locator(".cm-content")
    code.click()
    page.keyboard.insert_text(
        "<mjml><mj-head><mj-style>.a { color: red }</mj-style></mj-head><mj-body><mj-section>"
        "<mj-column><mj-text>Dear {{ customer.first_name }}, {{ customer.nothing }}</mj-text>"
        "<mj-button href='https://shop.example'>Look</mj-button>"
        "</mj-column></mj-section></mj-body></mjml>"
    )
    phone = page.frame_locator("iframe[title='On a phone']")
    expect(phone.get_by_text("Dear ")).to_be_visible()
    expect(page.locator("#preview").get_by_text("customer.nothing", exact=True)).to_be_visible()
    assert phone.locator("body").evaluate("() => innerWidth") == 390
    page.screenshot(path=pictures / "template-written.png")
    code.click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("\n{% if %}")
    expect(page.locator("#preview .fault")).to_contain_text("Line 2")
    expect(page.locator(".cm-lintRange-error")).to_be_visible()
    for _ in range(9):
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status").first).to_contain_text("Saved")


def test_a_preview_is_for_the_customer_who_is_chosen_and_a_test_is_sent(
    opens: Callable[..., Page],
) -> None:
    page = opens()
    page.goto("/templates")
    page.locator("a[href='/templates/vip-offer']").click()
    page.get_by_label("Find a customer to show it for").fill("anna")
    page.locator(".person").first.click()
    expect(page.locator(".for-whom")).to_contain_text("Anna")
    page.get_by_label("Send a test to").fill("nonsense")
    page.locator(".test").get_by_role("button", name="Send").click()
    expect(page.locator("#tested")).to_contain_text("Write a number with its country")
    page.get_by_label("Send a test to").fill("+41446681800")
    page.locator(".test").get_by_role("button", name="Send").click()
    expect(page.locator("#tested")).to_contain_text("Nothing was delivered")
