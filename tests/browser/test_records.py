"""Duplicates, imports, customers and the catalogue, by mouse and by keyboard alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from engine.flow import importing
from engine.flow.importing import Folder
from engine.store import tables
from tests.browser.hands import Hands, Keyboard, Mouse


@pytest.fixture(params=[Mouse, Keyboard])
def hand(request: pytest.FixtureRequest, opens: Callable[..., Page]) -> Hands:
    """A person at an open browser: with a mouse, and with a keyboard alone."""
    hands: type[Mouse | Keyboard] = request.param
    return hands(opens())


def test_a_pair_is_merged_and_parted_again(hand: Hands) -> None:
    page = hand.page
    page.goto("/duplicates")
    pair = page.locator("article.pair").first
    name = pair.get_by_role("columnheader").first.inner_text()
    hand.push(pair.get_by_role("button", name="Merge, keep the left one"))
    done = page.get_by_role("status").filter(has_text="is merged into")
    expect(done).to_contain_text(f"is merged into {name}.")
    hand.push(page.get_by_role("link", name="Merges"))
    row = page.locator("tbody tr").first
    expect(row.get_by_role("link", name=name)).to_be_visible()
    hand.push(row.get_by_role("button", name=re.compile("^Undo")))
    expect(page.get_by_role("status").filter(has_text="two customers again")).to_be_visible()


def test_a_pair_is_put_aside(hand: Hands) -> None:
    page = hand.page
    page.goto("/duplicates")
    pair = page.locator("article.pair").first
    who = pair.get_by_role("columnheader").all_inner_texts()
    hand.push(pair.get_by_role("button", name="Later"))
    expect(page.get_by_role("status").filter(has_text="Put aside")).to_be_visible()
    hand.push(page.get_by_role("link", name="Later", exact=True))
    hand.choose(page.get_by_label("What speaks for it"), "the same email address")
    hand.choose(page.get_by_label("What speaks for it"), "Whatever speaks for it")
    hand.push(page.get_by_role("button", name="Show"))
    aside = page.locator("article.pair")
    for name in who:
        aside = aside.filter(has=page.get_by_role("columnheader", name=name, exact=True))
    expect(aside.first).to_contain_text("decided by")


def test_a_file_is_brought_assigned_checked_and_imported(hand: Hands, site: Any) -> None:
    page = hand.page
    who = f"{type(hand).__name__.lower()}-import"
    lines = "".join(f"{who}-{n};31.01.2026;{n},50\n" for n in range(20))
    page.goto("/imports")
    if isinstance(hand, Keyboard):
        hand.go(page.get_by_role("radio").first)
        hand.press("ArrowDown")
    else:
        page.locator("[value=events]").check()
    expect(page.locator("[value=events]")).to_be_checked()
    # What the system's own window does with a file is not for us to test.
    page.get_by_label("File", exact=True).set_input_files(
        {"name": f"{who}.csv", "mimeType": "text/csv",
         "buffer": f"Client;Date;Total\n{lines}falsch;am Montag;1\n".encode()}
    )  # fmt: skip
    hand.push(page.get_by_role("button", name="Bring it"))
    expect(page.get_by_role("heading", name="What is in the columns?")).to_be_visible()
    hand.write(page.get_by_label("Every row is the event"), "Order Completed")
    hand.choose(page.get_by_label("What Client is"), "Your id of the customer")
    hand.choose(page.get_by_label("What Date is"), "When it happened")
    hand.write(page.get_by_label("Name of Total"), "total")
    hand.push(page.get_by_role("button", name="Check the file"))
    expect(page.get_by_text("Nothing is stored.")).to_be_visible()
    while importing.portion(site.database, Folder(site.settings.data_dir / "imports")):
        pass
    expect(page.get_by_role("heading", name="What the check found")).to_be_visible()
    expect(page.get_by_text("Date: … is no date like 31.01.2026")).to_be_visible()
    hand.push(page.get_by_role("button", name="Import 20 rows"))
    expect(page.get_by_text("The file is being imported.")).to_be_visible()
    while importing.portion(site.database, Folder(site.settings.data_dir / "imports")):
        pass
    expect(page.get_by_text("20 rows are imported.")).to_be_visible()
    identity = tables.identity.c
    with site.database.read() as connection:
        made = connection.execute(
            select(func.count()).where(identity.value.startswith(f"{who}-"))
        ).scalar_one()
    assert made == 20


def test_the_catalogue_leads_from_a_product_to_who_bought_it(hand: Hands) -> None:
    page = hand.page
    page.goto("/catalogue")
    hand.write(page.locator("main").get_by_role("searchbox"), "tea")
    expect(page.locator("tbody tr")).to_have_count(1)
    hand.push(page.locator("tbody").get_by_role("link", name=re.compile("Assam tea")))
    expect(page.get_by_role("heading", name=re.compile("Assam tea"))).to_be_visible()
    hand.push(page.get_by_role("link", name="A-1001"))
    expect(page.get_by_role("heading", name="Order A-1001")).to_be_visible()
    hand.push(page.locator("#amounts").locator("..").locator("..").get_by_role("link"))
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    expect(page.get_by_role("link", name="A-1001")).to_be_visible()


def test_how_far_a_price_has_to_fall_is_set(hand: Hands) -> None:
    page = hand.page
    page.goto("/catalogue")
    fall = page.get_by_label("A price has to fall by, in percent")
    hand.write(fall, "a lot")
    hand.push(page.locator("#telling").get_by_role("button", name="Save"))
    expect(fall).to_have_attribute("aria-invalid", "true")
    hand.write(fall, "7")
    hand.push(page.locator("#telling").get_by_role("button", name="Save"))
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(fall).to_have_value("7")
