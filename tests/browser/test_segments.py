"""Building a segment by mouse and by keyboard alone; what its pages become by what is done there."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert, update

from engine.flow import building, materials
from engine.model.actor import COMMAND_LINE
from engine.store import documents, populations, tables
from tests.browser.hands import Hands, Keyboard, Mouse, settled
from tests.browser.test_look import _wrong


@pytest.fixture
def made(site: Any) -> Iterator[list[str]]:
    """The ids of segments to delete in the end."""
    ids: list[str] = []
    yield ids
    for id_ in ids:
        materials.delete(site.database, "segment", id_, actor=COMMAND_LINE)


def rule(site: Any, id_: str) -> Any:
    with site.database.read() as connection:
        return documents.get(connection, "segment", id_)["rule"]


@pytest.mark.parametrize("hands", [Mouse, Keyboard])
def test_a_segment_is_built_from_an_example(
    opens: Callable[..., Page], site: Any, made: list[str], hands: type[Hands]
) -> None:
    page = opens()
    hand: Hands = hands(page)
    page.goto("/segments")
    hand.push(page.get_by_role("link", name="New segment"))
    hand.push(page.get_by_role("link", name=re.compile("^Dormant")))
    says = page.locator("[data-says]")
    expect(says).to_contain_text("has not happened in the last 90 days.")
    expect(says).to_contain_text("Now:")
    name = f"Dormant by {hands.__name__}"
    hand.write(page.get_by_label("Name", exact=True).first, name)
    hand.write(page.locator("[name='rule.rows.1.span.n']"), "60")
    expect(says).to_contain_text("has not happened in the last 60 days.")
    hand.push(page.get_by_role("button", name="Condition", exact=True))
    hand.choose(page.locator("[name='rule.rows.2.kind']"), "How the customer can be reached")
    expect(says).to_contain_text("and the customer can be reached by email.")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    hand.push(page.get_by_role("button", name="Save"))
    page.wait_for_url("**/segments/dormant-by-*")
    made.append(page.url.rsplit("/", 1)[1].split("?")[0])
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("Building")).to_be_visible()
    order = {"event": "Order Completed"}
    assert rule(site, made[-1]) == {
        "all": [
            {**order, "within": "1y"},
            {"not": {**order, "within": "60d"}},
            {"reachable": "email"},
        ]
    }


@pytest.mark.parametrize("hands", [Mouse, Keyboard])
def test_rows_and_file_say_the_same(
    opens: Callable[..., Page], site: Any, made: list[str], hands: type[Hands]
) -> None:
    page = opens()
    hand: Hands = hands(page)
    page.goto("/segments/new?like=loyal")
    hand.write(page.locator("[name='rule.rows.0.counts.0.n']"), "7")
    hand.push(page.get_by_role("button", name="File", exact=True))
    page.wait_for_url("**/segments/as-file")
    written = page.locator("textarea[name=text]")
    expect(written).to_have_value(re.compile("gte: 7"))
    expect(page.get_by_text("Ready to save")).to_be_visible()
    hand.write(written, "id: odd\nname: Odd\nrule:\ncolour: red")
    expect(page.locator(".problem[data-line='4']")).to_be_visible()
    hand.write(
        written, f"id: loyal-{hands.__name__.lower()}\nname: Loyal\nrule: {{reachable: sms}}"
    )
    expect(page.get_by_text("Ready to save")).to_be_visible()
    if hands is Keyboard:
        page.keyboard.press("Escape")  # the way out of the text
    hand.push(page.get_by_role("button", name="Save"))
    page.wait_for_url("**/segments/loyal-*")
    made.append(page.url.rsplit("/", 1)[1].split("?")[0])
    assert rule(site, made[-1]) == {"reachable": "sms"}
    while building.carry_on(site.database):
        pass
    expect(page.locator("#now").get_by_text("Ready")).to_be_visible(timeout=20_000)
    with site.database.read() as connection:
        sizes = populations.figures(connection, [made[-1], "by-phone"])
    assert sizes[made[-1]]["size"] == sizes["by-phone"]["size"] > 0
    expect(page.locator("#people .name")).to_have_count(sizes["by-phone"]["size"])


def test_what_was_typed_is_not_lost_by_leaving(opens: Callable[..., Page]) -> None:
    page = opens()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.goto("/segments/gold/edit")
    page.get_by_label("Name", exact=True).first.fill("Golden")
    page.get_by_role("link", name="To the segment").click()
    assert asked == ["beforeunload"]
    assert page.url.endswith("/segments/gold/edit")
    expect(page.get_by_label("Name", exact=True).first).to_have_value("Golden")


def test_a_mistake_keeps_the_focus_at_the_rule(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/segments/new")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("put right what is marked")
    expect(page.get_by_text("this must not be empty")).to_be_visible()
    expect(page.get_by_text("Choose or write what this is about.")).to_be_visible()
    assert not _wrong(page)


def test_a_build_is_followed_until_it_is_over(opens: Callable[..., Page], site: Any) -> None:
    def state(**values: Any) -> None:
        table = tables.segment
        site.database.transact(
            lambda c: c.execute(update(table).where(table.c.id == "vip").values(**values))
        )

    state(state="building", total=60, applied=20)
    try:
        page = opens()
        page.goto("/segments/vip")
        expect(page.get_by_text("20 of 60 customers")).to_be_visible()
        expect(page.get_by_text("Everybody is being looked at")).to_be_visible()
        assert not _wrong(page)
        site.database.transact(_join_vip)
        state(state="ready", applied=60)
        expect(page.locator("#now").get_by_text("Ready")).to_be_visible(timeout=10_000)
        expect(page.locator("#people .name")).to_have_count(1)
        expect(page.locator("#now progress")).to_have_count(0)
    finally:
        state(state="ready")


def _join_vip(connection: Any) -> None:
    her = connection.execute(tables.customer.select().limit(1)).first()
    now = her.created_at
    connection.execute(
        insert(tables.membership).values(
            customer_id=her.id, segment_id="vip", inside=True, since=now
        )
    )


@pytest.mark.parametrize(("size", "look"), [("desk", "dark"), ("phone", "light")])
def test_states_of_the_builder_are_sound(
    opens: Callable[..., Page], pictures: Path, size: str, look: str
) -> None:
    page, wrong = opens(size, look, "fr-CH"), {}
    page.goto("/segments/gold-baskets/edit")
    expect(page.locator("[data-says] .counted")).to_be_visible()
    settled(page)
    wrong["said"] = _wrong(page)
    page.screenshot(path=pictures / f"segment-said-{size}.png")
    page.locator("[data-again='add rule.rows group']").click()
    settled(page)
    expect(page.locator("[name='rule.rows.2.join']")).to_be_visible()
    wrong["group"] = _wrong(page)
    page.screenshot(path=pictures / f"segment-group-{size}.png")
    page.locator("button[form=settings]").click()  # as a file
    page.wait_for_url("**/segments/as-file")
    page.locator("textarea").fill("id: x\nrule: []\n")
    expect(page.locator(".problem").first).to_be_visible()
    wrong["file"] = _wrong(page)
    page.screenshot(path=pictures / f"segment-file-wrong-{size}.png")
    assert not any(wrong.values()), wrong


def test_a_customer_page_leads_to_its_parts(opens: Callable[..., Page]) -> None:
    page = opens("phone")
    page.goto("/segments/baskets")
    page.locator("#people .name").first.click()
    places = page.get_by_role("navigation", name="On this page")
    places.get_by_role("link", name="Messages").click()
    expect(page.get_by_role("heading", name="Messages")).to_be_in_viewport()
    expect(places).to_be_in_viewport()
    places.get_by_role("link", name=re.compile("Segments")).click()
    expect(page.get_by_role("heading", name="Segments")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Left a basket behind")).to_be_visible()
