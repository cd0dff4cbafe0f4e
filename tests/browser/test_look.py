"""Every page, light and dark, on a desk and on a phone: nothing for axe to find, nothing cut."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor/axe-core/axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

PAGES = {
    "journeys": "/journeys",
    "journeys-none": "/journeys?q=nothing",
    "canvas": "/journeys/welcome",
    "canvas-step": "/journeys/abandoned-cart?step=first-mail",
    "canvas-rates": "/journeys/welcome?figures=rates&period=30d&step=hello",
    "canvas-own-dates": "/journeys/welcome?from=2026-01-09&to=2026-01-02",
    "inside": "/journeys/welcome/customers?of=inside",
    "inside-step": "/journeys/abandoned-cart/customers?step=cool-off&of=entered&period=7d",
    "inside-sent": "/journeys/welcome/customers?step=hello&of=sent&now=left&sort=oldest",
    "inside-none": "/journeys/welcome/customers?of=entered&q=nobody",
    "outline": "/journeys/welcome?view=outline",
    "draft": "/journeys/birthday",
    "edit": "/journeys/abandoned-cart?show=draft",
    "edit-send": "/journeys/abandoned-cart?show=draft&step=first-mail",
    "edit-wait": "/journeys/abandoned-cart?show=draft&step=cool-off",
    "edit-wait-for": "/journeys/abandoned-cart?show=draft&step=opened",
    "edit-branch": "/journeys/welcome?show=draft&step=regular",
    "edit-outline": "/journeys/welcome?show=draft&view=outline",
    "walk": "/journeys/abandoned-cart/walk",
    "walk-on": "[value=pass]!/journeys/abandoned-cart/walk",
    "walk-wrong": "/journeys/abandoned-cart/walk?customer=nobody",
    "walk-mend": "/journeys/birthday/walk",
    "document": "/journeys/birthday/document",
    "new": "/new",
    "ready": "/new/library/abandoned-cart",
    "new-document": "/new/document",
    "publish": "/journeys/birthday/publish",
    "publish-same": "/journeys/welcome/publish",
    "segments": "/segments",
    "segments-sorted": "/segments?q=gold&sort=size",
    "segments-none": "/segments?q=nothing",
    "segment": "/segments/baskets",
    "segment-year": "/segments/gold?period=1y&q=anna",
    "segment-empty": "/segments/vip",
    "segment-nobody": "/segments/gold?q=nobody",
    "segment-new": "/segments/new",
    "segment-like": "/segments/new?like=promo-hunters",
    "segment-edit": "/segments/gold-baskets/edit",
    "segment-file": "/segments/baskets/document",
    "segment-delete": "/segments/by-phone/delete",
    "segment-kept": "/segments/gold/delete",
    "starts": "/journeys/welcome/starts",
    "starts-ask": "/journeys/welcome/starts/new?n=500",
    "starts-wrong": "/journeys/welcome/starts/new?segment=lost",
    "starts-draft": "/journeys/birthday/starts",
    "templates": "/templates",
    "template": "/templates/welcome",
    "template-sms": "/templates/vip-offer",
    "template-new": "/templates/new",
    "customers": "/customers",
    "customers-none": "/customers?q=nobody",
    "customer": "a.name@/customers?q=anna",
    "duplicates": "/duplicates",
    "duplicates-none": "/duplicates?state=different&reason=alias",
    "merges": "/merges",
    "imports": "/imports",
    "import-checking": "a.name[href]:text-is('checking.csv')@/imports",
    "import-checked": "a.name[href]:text-is('checked.csv')@/imports",
    "import-running": "a.name[href]:text-is('running.csv')@/imports",
    "import-done": "a.name[href]:text-is('done.csv')@/imports",
    "import-cancelled": "a.name[href]:text-is('cancelled.csv')@/imports",
    "import-failed": "a.name[href]:text-is('failed.csv')@/imports",
    "outbox": "/outbox",
    "message": "a.mail@/outbox",
    "text-message": "a.mail@/outbox?channel=sms",
    "catalogue": "/catalogue",
    "catalogue-none": "/catalogue?q=nothing",
    "product": "/catalogue/products/fondue",
    "product-sold": "/catalogue/products/tea-250",
    "orders": "/catalogue/orders",
    "order": "/catalogue/orders/shop/A-1001",
    "shops": "/catalogue/shops",
    "events": "/events",
    "traits": "/traits",
    "trait": "/traits/spend_total",
    "trait-part": "/traits/recency_quintile",
    "trait-joined": "/traits/rfm",
    "trait-new": "/traits/new",
    "score": "/scores/engagement",
    "score-new": "/scores/new",
    "topics": "/topics",
    "topic": "/topics/new",
    "messages": "/messages",
    "messages-filtered": "/messages?journey=welcome&result=skipped&reason=cap",
    "messages-of-her": "a.over@/messages",
    "messages-none": "/messages?q=nobody",
    "ledger-sent": "td a.name@/messages?result=sent&channel=email",
    "ledger-waiting": "td a.name@/messages?result=deferred",
    "ledger-sms": "td a.name@/messages?result=sent&channel=sms",
    "manners": "/manners",
    "manners-rule": ".rules a@/manners",
    "manners-new": "/manners/rules/new",
    "nowhere": "/nowhere",
}


def _collapse(page: Page) -> None:
    page.locator(".way.fold").first.click()
    page.locator(".whole").last.click()


def _find(page: Page) -> None:
    _collapse(page)
    page.locator("[data-seek] input").fill("order completed")
    page.keyboard.press("Enter")


def _merge(page: Page) -> None:
    page.locator(".pair-do .first").first.click()
    page.locator(".note.good").wait_for()


def _undo(page: Page) -> None:
    page.locator("tbody form button").first.click()
    page.locator(".note.good").wait_for()


def _doubted(page: Page) -> None:
    page.locator(".sides thead a").first.click()
    page.locator(".note a").first.wait_for()


def _compare(page: Page) -> None:
    _doubted(page)
    page.locator(".note a").nth(1).click()
    page.locator(".pair").wait_for()


def _choose(page: Page) -> None:
    page.locator("td a.name").first.click()
    page.locator(".head .actions a").click()
    page.locator("[name=q]").fill("a")
    page.keyboard.press("Enter")
    page.locator("td a.name").first.wait_for()


def _merged_of(page: Page) -> None:
    page.locator("td a.name").first.click()
    page.locator(".merged summary").click()


def _stay(page: Page) -> None:
    page.locator("tbody form button").first.wait_for()


ORDERS = "N° client;Date de commande;Montant;Remarque\n" + "7;31.01.2026;59,90;merci\n" * 9


def _refuse_none(page: Page) -> None:
    page.locator("[data-upload] button").click()
    page.locator("#file-wrong:visible").wait_for()


def _bring(page: Page) -> None:
    page.locator("[value=events]").check()
    file = {"name": "orders.csv", "mimeType": "text/csv", "buffer": ORDERS.encode()}
    page.locator("#file").set_input_files(files=[file])  # type: ignore[list-item]
    page.locator("[data-upload] button").click()
    page.locator("[data-columns]").wait_for()


def _assign_wrongly(page: Page) -> None:
    _bring(page)
    page.locator("#event").fill("")
    page.locator("[name='name.2']").fill("")
    page.locator("[data-columns] .first").click()
    page.locator("#event-wrong").wait_for()


STATES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "edit-collapsed": ("/journeys/welcome?show=draft", _collapse),
    "duplicates-merged": ("/duplicates", _merge),
    "customer-doubted": ("/duplicates", _doubted),
    "customer-compare": ("/duplicates", _compare),
    "customer-merged": ("/merges", _merged_of),
    "customer-merge": ("/customers?q=anna", _choose),
    "merges-some": ("/merges", _stay),
    "merges-undone": ("/merges", _undo),
    "collapsed-outline": ("/journeys/abandoned-cart?view=outline", _collapse),
    "edit-found": ("/journeys/welcome?show=draft", _find),
    "found": ("/journeys/welcome?view=outline", _find),
    "imports-refused": ("/imports", _refuse_none),
    "import-columns": ("/imports", _bring),
    "import-columns-wrong": ("/imports", _assign_wrongly),
}
"""What a page becomes by what is done there."""


def _go(page: Page, address: str) -> None:
    """Open an address; `selector@address` opens the first such link, `selector!…` presses it."""
    link, at, where = address.rpartition("@")
    press, bang, where = where.rpartition("!")
    page.goto(where)
    if bang:
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.locator(press).first.click()
    if at:
        target = page.locator(link).first.get_attribute("href")
        assert target is not None
        page.goto(target)
    if page.locator("[data-code]").count():
        page.locator(".cm-content").wait_for()


def _wrong(page: Page, part: str = "") -> list[Any]:
    """Return what axe finds in a page or a part of it, and whether it reaches beyond the side."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {AXE} }}")
    options = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    wrong: list[Any] = page.evaluate(
        f"""async () => (await axe.run({json.dumps(part) if part else "document"}, {options})).violations.flatMap(
            (rule) => rule.nodes.map((node) => [rule.id, node.target, node.failureSummary]))"""
    )
    root = "document.documentElement"
    if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
        wrong.append("scrolls sideways")
    return wrong


@pytest.mark.parametrize(
    ("size", "look", "language"),
    [
        ("desk", "light", "en-GB"),
        ("desk", "dark", "fr-CH"),
        ("phone", "dark", "en-GB"),
        ("phone", "light", "fr-CH"),
        ("desk", "dark", "en-GB"),
        ("phone", "light", "en-GB"),
    ],
)
def test_pages_are_sound(
    opens: Callable[..., Page], pictures: Path, size: str, look: str, language: str
) -> None:
    page = opens(size, look, language)
    wrong = {}
    for name, address in PAGES.items():
        _go(page, address)
        page.screenshot(path=pictures / f"{name}-{size}-{look}-{language[:2]}.png")
        if found := _wrong(page):
            wrong[name] = found
    for name, (address, act) in STATES.items():
        page.goto(address)
        act(page)
        page.screenshot(path=pictures / f"{name}-{size}-{look}-{language[:2]}.png")
        if found := _wrong(page):
            wrong[name] = found
        page.evaluate("() => localStorage.clear()")
    assert not wrong


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_login_is_sound(
    opens: Callable[..., Page], pictures: Path, size: str, look: str
) -> None:
    page = opens(size, look, known=False)
    page.goto("/")
    assert page.url.endswith("/login")
    page.screenshot(path=pictures / f"login-{size}-{look}.png")
    assert not _wrong(page)


def test_nothing_is_asked_of_another_host(opens: Callable[..., Page]) -> None:
    page = opens()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for address in PAGES.values():
        _go(page, address)
    hosts = {re.sub(r"^(\w+://[^/]+)/.*", r"\1", url) for url in asked if "://" in url}
    assert hosts == {page.url.split("/nowhere", maxsplit=1)[0]}


def test_a_journey_of_thirteen_steps_fits_a_laptop(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/journeys/welcome")
    assert page.locator(".step-card").count() >= 13
    board = page.locator("[data-board]")
    assert board.evaluate("board => board.scrollHeight <= board.clientHeight + 1")
    assert board.evaluate("board => board.scrollWidth <= board.clientWidth + 1")
    zoom = page.locator("[data-zoomed]").evaluate("tree => parseFloat(tree.style.zoom)")
    assert zoom >= 0.75  # thirteen pixels become ten


def test_the_choice_of_dark_lasts(opens: Callable[..., Page]) -> None:
    page = opens()
    page.goto("/customers?q=anna")
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.url.endswith("/customers?q=anna")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.goto("/journeys")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Français").click()
    assert page.locator("html").get_attribute("lang") == "fr"
