"""A marketer sets a rule, and finds out why a message was not sent."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect


def test_a_rule_is_written_changed_and_deleted(opens: Callable[..., Page], pictures: Path) -> None:
    page = opens()
    page.goto("/manners")
    page.get_by_role("link", name="New rule").click()
    said = page.locator("#sentence")
    page.get_by_label("Name").fill("Two emails")
    page.get_by_label("At most", exact=True).fill("two")
    expect(said).to_contain_text("Write a whole number from 0 to 1000.")
    page.get_by_label("At most", exact=True).fill("2")
    page.get_by_role("checkbox", name="Email").check()
    expect(said).to_contain_text("At most 2 emails in any 7 days; when full: wait until")
    page.get_by_role("radio", name="is not sent").check()
    expect(said).to_contain_text("when full: not sent.")
    page.screenshot(path=pictures / "rule-written.png", full_page=True)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The rule is saved")

    page.get_by_role("link", name="Two emails").click()
    page.get_by_label("At most", exact=True).fill("")
    page.get_by_label("Keep", exact=True).fill("2")
    page.locator("form").evaluate_all("forms => forms.forEach(form => form.noValidate = true)")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#limit-wrong")).to_have_text("Write a whole number from 0 to 1000.")
    page.screenshot(path=pictures / "rule-wrong.png", full_page=True)
    page.get_by_text("Delete this rule…").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("status")).to_contain_text("The rule is deleted")
    expect(page.locator(".rules")).not_to_contain_text("Two emails")


def test_quiet_hours_are_set_on_a_phone(opens: Callable[..., Page], pictures: Path) -> None:
    page = opens("phone", "dark")
    page.goto("/manners")
    quiet = page.get_by_role("group", name="WhatsApp")
    quiet.get_by_label("From").fill("22:00")
    page.locator("#manners").get_by_role("button", name="Save").click()
    expect(page.locator("#whatsapp-wrong")).to_contain_text("Write both times")
    page.screenshot(path=pictures / "manners-wrong.png", full_page=True)
    quiet.get_by_label("To", exact=True).fill("07:00")
    page.locator("#manners").get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    expect(page.get_by_role("group", name="WhatsApp").get_by_label("From")).to_have_value("22:00")


def test_a_capped_message_is_found_with_its_sentence(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/messages")
    page.locator("#journey").select_option(label="Welcome and second purchase")
    step = page.locator("#step")
    expect(step).to_be_visible()
    page.locator("#reason").select_option(label="enough messages in this time")
    first = page.locator("#results .told").first
    expect(first).to_have_text(re.compile("Not sent: the rule “3 a week” is full"))
    expect(page).to_have_url(re.compile("reason=cap"))
    rows = page.locator("#results tbody tr").count()
    step.select_option(label="Welcome")
    expect(page.locator("#results tbody tr")).not_to_have_count(rows)
    assert page.evaluate("document.activeElement.id") in {"step", ""}
    page.locator("#results a.name").first.click()
    expect(page.locator(".head .outcome")).to_contain_text("the rule “3 a week” is full")
    expect(page.locator(".trace li").last).to_contain_text("Not sent")
    page.get_by_role("link", name="Welcome and second purchase").click()
    expect(page).to_have_url(re.compile("/journeys/welcome"))


def test_the_numbers_of_a_rule_lead_to_its_messages(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/manners")
    number = page.locator(".held td a").first
    count = int(number.inner_text())
    number.click()
    expect(page.locator("#results tbody tr")).to_have_count(count)
    pill = page.locator(".only .pill")
    expect(pill).to_contain_text("because of the rule “One offer by SMS a day”")
    page.locator("#channel").select_option("email")
    expect(page.get_by_text("No message matches")).to_be_visible()
    expect(page).to_have_url(re.compile("stopped=moved"))
