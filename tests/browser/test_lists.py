"""Every list that can be searched: it narrows while one types, before the field is left."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize(
    ("address", "typed", "one"),
    [
        ("/journeys", "birthday", "Birthday present"),
        ("/segments", "sms", "Can be reached by SMS"),
        ("/segments/by-phone", "luca", "Luca Bernasconi"),
        ("/customers", "anna", "Anna Meier"),
        ("/messages", "anna", "Anna Meier"),
        ("/outbox", "anna", "Anna"),
        ("/journeys/welcome/customers?of=entered", "anna", "Anna Meier"),
    ],
)
def test_a_list_narrows_while_one_types(
    opens: Callable[..., Page], address: str, typed: str, one: str
) -> None:
    page = opens()
    page.goto(address)
    field = page.locator("main [type=search]")
    field.press_sequentially("nobody of this name")
    expect(page.get_by_text(one)).to_have_count(0)
    field.fill("")
    field.press_sequentially(typed)
    expect(page.locator("main").get_by_text(one).first).to_be_visible()
    expect(field).to_be_focused()
    assert page.evaluate("new URLSearchParams(location.search).get('q')") == typed


def test_a_choice_narrows_the_messages_and_keeps_what_was_typed(
    opens: Callable[..., Page],
) -> None:
    page = opens()
    page.goto("/messages")
    page.get_by_label("Find a customer").press_sequentially("anna")
    page.locator("#journey").select_option(label="Welcome and second purchase")
    page.wait_for_url("**journey=welcome**")
    assert page.evaluate("new URLSearchParams(location.search).get('q')") == "anna"
    expect(page.locator("#step-choice")).to_be_visible()
