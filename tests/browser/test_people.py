"""Somebody is invited, chooses a password, and meets only what her role allows."""

from collections.abc import Callable
from typing import Any


def test_an_invitation_leads_to_a_password_and_a_role(opens: Callable[..., Any]) -> None:
    host = opens()
    host.goto("/settings/people")
    host.fill("#email", "marie@shop.example")
    host.check("input[value=marketer]")
    host.get_by_role("button", name="Invite", exact=True).click()
    link = host.get_by_label("Link to choose a password").input_value()

    guest = opens("phone", known=False)
    guest.goto(link)
    guest.fill("#password", "correct horse battery")
    guest.fill("#again", "correct horse battery")
    guest.get_by_role("button", name="Keep it and log in").click()
    guest.wait_for_url("**/journeys")
    guest.goto("/journeys/welcome")
    assert guest.get_by_role("link", name="Edit").count() == 1
    assert guest.get_by_role("link", name="Publish…").count() == 0
    guest.goto("/account")
    guest.get_by_role("button", name="End this one").click()
    guest.wait_for_url("**/login")
    guest.fill("#email", "marie@shop.example")
    guest.fill("#password", "correct horse battery")
    guest.get_by_role("button", name="Log in").click()
    guest.wait_for_url("**/journeys")

    host.goto("/settings/changes?kind=user")
    assert host.get_by_text("set a password").count() == 1
