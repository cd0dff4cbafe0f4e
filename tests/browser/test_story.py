"""The story of the designer: a journey built by mouse and again by keyboard, published, and lived.

The product runs as `parcours up` starts it, with PostgreSQL, Temporal and the built-in outbox; events
come from Segment's own library, and opens from the signed webhook of a provider.
"""

import json
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from segment.analytics.client import Client
from sqlalchemy import select

from designer.login.links import login_link
from engine.flow.materials import put_template
from engine.flow.topics import put_topic
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.journey import walk
from engine.model.template import Template
from engine.model.topic import Topic
from engine.run.assignment import draw, fraction
from engine.settings import Settings
from engine.store import tables
from engine.store.session import Database
from tests.browser.hands import Hands, Keyboard, Mouse
from tests.doubles.sendgrid import Mail, SendGrid
from tests.faults.product import EmbeddedSet, parcours

DESIGN = """
format: 1
id: abandoned-cart
name: Abandoned cart
priority: 60
entry:
  on: {event: Product Added, where: {property: cart_value, gte: 30}}
  if: {all: [{reachable: email}, {not: {event: Order Completed, within: 1d}}]}
  reentry: {mode: after_exit, cooldown: 3d}
holdout: 5%
topic: offers
goal: {event: Order Completed, within: 7d, revenue: total}
exits:
  - {on: {event: Order Completed}, reason: purchased}
steps:
  - {id: cool-off, type: wait, for: 1h}
  - id: first-mail
    type: send
    channel: email
    template: cart-reminder
    variants:
      - {id: plain, weight: 50}
      - {id: gift, weight: 50, set: {subject: "A present for your basket", discount: 10}}
  - id: opened
    type: wait_for
    since: first-mail
    timeout: 24h
    events:
      - {on: {event: Message Opened, message: first-mail}, then: [{id: done, type: exit, reason: reached}]}
    else: []
  - id: nudge
    type: send
    channel: [push, sms]
    template: cart-nudge
"""

TEMPLATES = (
    {
        "id": "cart-reminder",
        "name": "Cart reminder",
        "channel": "email",
        "locales": {
            "en": {
                "subject": "You left something behind",
                "body": "<p>{{ customer.firstName }}, your {{ event.name }} is still here."
                "{% if discount %} Take {{ discount }} % off.{% endif %}</p>",
            }
        },
    },
    {
        "id": "cart-nudge",
        "name": "Cart nudge",
        "channel": "sms",
        "locales": {"en": {"body": "Your basket waits until tomorrow."}},
    },
)


POINTED = "addEventListener('pointerdown', () => sessionStorage.setItem('pointed', 'yes'), true)"
"""Notes that a mouse or a finger was used."""


# The product


@dataclass(frozen=True, slots=True)
class Shop:
    """The running product, its database, and the provider that tells of opens."""

    product: EmbeddedSet
    database: Database
    provider: SendGrid
    login: str

    @contextmanager
    def page(self, browser: Browser) -> Iterator[Page]:
        """Open a browser that is logged in; nothing may be said on its console."""
        context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            locale="en-GB",
            base_url=self.product.url,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        context.set_default_timeout(10_000)
        said: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "console",
            lambda message: said.append(message.text) if message.type == "error" else None,
        )
        page.goto(self.login)
        yield page
        context.close()
        assert not said

    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table).where(*where)).all())


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with SendGrid() as provider, tempfile.TemporaryDirectory(prefix="parcours-test-") as name:
        product = EmbeddedSet(Path(name), "", layout="1")
        product.environment |= {
            "PARCOURS_EMAIL": "outbox",
            "PARCOURS_EMAIL_FROM": "The shop <shop@shop.example>",
            "PARCOURS_SENDGRID_WEBHOOK_KEY": provider.verification_key,
        }
        with product.running():
            database = Database(product.database_url)
            for template in TEMPLATES:
                put_template(database, Template.model_validate(template), actor=COMMAND_LINE)
            put_topic(database, Topic(id="offers", name="Offers"), actor=COMMAND_LINE)
            settings = Settings.load(
                database_url=product.database_url, data_dir=Path(name), public_url=product.url
            )
            yield Shop(product, database, provider, login_link(settings))
            database.close()


# Building


def build(hands: Hands) -> str:
    """Build the journey of the design from the list of journeys; return its id."""
    page = hands.page
    page.goto("/journeys")
    hands.push(page.get_by_role("link", name="New journey"))
    hands.write(page.get_by_label("Name", exact=True), "Abandoned cart")
    hands.write(page.get_by_label("What the customer does"), "Product Added")
    hands.push(page.get_by_role("button", name="Open the canvas"))
    found = re.search(r"/journeys/([^?]+)", page.url)
    assert found is not None
    _the_whole(hands)
    _the_wait(hands)
    _the_mail(hands)
    _the_opening(hands)
    _the_nudge(hands)
    return found[1]


def _save(hands: Hands) -> None:
    hands.push(hands.page.get_by_role("button", name="Save", exact=True))
    expect(hands.page.get_by_role("status").filter(has_text="Saved").first).to_be_attached()
    expect(hands.page.get_by_text("Not saved yet")).to_be_hidden()


def _the_whole(hands: Hands) -> None:
    page = hands.page
    enters = page.get_by_role("group", name="Who enters")
    rule = enters.get_by_role("group", name="Condition")
    hands.push(enters.get_by_role("button", name="Only some of these events"))
    hands.write(rule.get_by_label("Name", exact=True), "cart_value")
    hands.choose(rule.get_by_label("How it compares"), "is at least")
    hands.write(rule.get_by_label("Value", exact=True), "30")
    hands.push(enters.get_by_role("button", name="Condition", exact=True))
    hands.choose(rule.get_by_label("What is asked"), "How the customer can be reached")
    hands.choose(rule.get_by_label("Channel"), "Email")
    hands.push(enters.get_by_role("button", name="Condition", exact=True))
    hands.choose(rule.get_by_label("What is asked"), "What the customer has done")
    last = rule.last
    hands.choose(last.get_by_label("Has or has not"), "has not done")
    hands.write(last.get_by_label("Event", exact=True), "Order Completed")
    hands.write(last.get_by_label("How long"), "1")
    hands.choose(last.get_by_label("Unit"), "days")
    hands.write(enters.get_by_label("Not again for"), "3")
    goal = page.get_by_role("group", name="Goal")
    hands.write(goal.get_by_label("The customer does"), "Order Completed")
    hands.write(goal.get_by_label("Within, from entering"), "7")
    hands.write(goal.get_by_label("Property that holds the amount"), "total")
    leaves = page.get_by_role("group", name="Leaves early on")
    hands.push(leaves.get_by_role("button", name="An event that ends it"))
    hands.write(leaves.get_by_label("The customer does"), "Order Completed")
    hands.write(leaves.get_by_label("Reason"), "purchased")
    counts = page.get_by_role("group", name="How it counts")
    hands.choose(counts.get_by_label("Topic"), "Offers")
    hands.write(counts.get_by_label("Priority, 0 to 100"), "60")
    hands.write(counts.get_by_label("Held out to compare with"), "5")
    _save(hands)


def _the_wait(hands: Hands) -> None:
    hands.add(_slot(hands, "Add at the beginning"), "Wait")
    hands.write(hands.page.get_by_label("How long"), "1")
    hands.choose(hands.page.get_by_label("Unit"), "hours")
    _save(hands)


def _the_mail(hands: Hands) -> None:
    page = hands.page
    hands.add(_slot(hands, "Add after Wait 1 hour"), "Email")
    hands.choose(page.get_by_label("Template", exact=True).first, "Cart reminder")
    hands.push(page.get_by_role("button", name="Test versions"))
    versions = page.get_by_role("group", name="A/B test")
    hands.turn(versions.get_by_role("tab"), 1)
    gift = versions.get_by_role("tabpanel")
    hands.write(gift.get_by_label("Subject"), "A present for your basket")
    hands.write(gift.get_by_label("Variables of the template"), "discount = 10")
    _save(hands)


def _the_opening(hands: Hands) -> None:
    page = hands.page
    hands.add(_slot(hands, re.compile("^Add after .*Cart reminder")), "Wait for an event")
    hands.write(page.get_by_label("The customer does"), "Message Opened")
    hands.choose(page.get_by_label("Of which message"), "Send “Cart reminder”")
    hands.write(page.get_by_label("At most for"), "24")
    hands.choose(page.get_by_label("Unit"), "hours")
    hands.choose(page.get_by_label("Counts what happened since"), "Send “Cart reminder”")
    _save(hands)
    hands.add(_slot(hands, re.compile("^Add at the beginning of .*opened", re.IGNORECASE)), "Exit")
    hands.write(page.get_by_label("Reason"), "reached")
    _save(hands)


def _the_nudge(hands: Hands) -> None:
    page = hands.page
    hands.add(_slot(hands, re.compile("^Add after Wait for", re.IGNORECASE)), "Push")
    hands.choose(page.get_by_label("Channel 2"), "SMS")
    hands.choose(page.get_by_label("Template", exact=True), "Cart nudge")
    _save(hands)


def _slot(hands: Hands, label: Any) -> Locator:
    return hands.page.get_by_label("Steps", exact=True).get_by_role("button", name=label)


def download(hands: Hands) -> str:
    """Download the draft as a file; return its text."""
    hands.push(hands.page.get_by_role("link", name="Publish…"))
    with hands.page.expect_download() as downloaded:
        hands.push(hands.page.get_by_role("link", name="Download as a file"))
    return Path(downloaded.value.path()).read_text(encoding="utf-8")


# Comparing


def renamed(text: str) -> dict[str, Any]:
    """Return a journey with its defaults, its ids replaced by the places of what they name."""
    journey = parse_journey(text)
    ids = {step.id: f"step {n}" for n, step in enumerate(walk(journey.steps))}

    def replaced(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: replaced(value, name) for name, value in node.items()}
        if isinstance(node, list):
            named = (
                [{**one, "id": f"version {n}"} for n, one in enumerate(node)]
                if key == "variants"
                else node
            )
            return [replaced(one) for one in named]
        return ids.get(node, node) if key in {"id", "since", "message", "step"} else node

    document = journey.model_dump(mode="json", by_alias=True)
    return {**replaced(document), "id": "the journey"}


@dataclass(frozen=True, slots=True)
class Built:
    """A journey that somebody has built, and its file."""

    id: str
    file: str


@pytest.fixture(scope="module")
def by_mouse(shop: Shop, browser: Browser) -> Built:
    with shop.page(browser) as page:
        hands = Mouse(page)
        return Built(build(hands), download(hands))


@pytest.fixture(scope="module")
def by_keyboard(shop: Shop, browser: Browser) -> Built:
    with shop.page(browser) as page:
        page.add_init_script(POINTED)
        hands = Keyboard(page)
        built = Built(build(hands), download(hands))
        assert not page.evaluate("() => sessionStorage.getItem('pointed')"), "by keyboard alone"
        return built


def test_both_hands_build_the_journey_of_the_design(by_mouse: Built, by_keyboard: Built) -> None:
    design = renamed(DESIGN)
    assert renamed(by_mouse.file) == design
    assert renamed(by_keyboard.file) == design
    assert by_mouse.id != by_keyboard.id


# Living


@dataclass(frozen=True, slots=True)
class Cast:
    """The customers by what is to become of them, each by her name for the shop."""

    plain: list[str]
    gift: list[str]
    held: list[str]


def cast(shop: Shop, source: Client, journey: str, mail: str) -> Cast:
    """Make customers until there is one of each draw: whom hash holds out is known by her id."""
    drawn = Cast([], [], [])
    for n in range(0, 2000, 50):
        for k in range(n, n + 50):
            traits = {"email": f"ann.{k}@mail.example", "firstName": f"Ann {k}"}
            source.identify(f"ann-{k}", traits)
        source.flush()
        for row in shop.rows(tables.identity, tables.identity.c.namespace == "external_id"):
            if int(row.value.removeprefix("ann-")) >= n:
                _draw(drawn, row.value, row.customer_id, journey, mail)
        if drawn.held and len(drawn.plain) > 4 and len(drawn.gift) > 1:
            return drawn
    raise AssertionError("two thousand customers, and none is held out")


def _draw(drawn: Cast, name: str, customer: UUID, journey: str, mail: str) -> None:
    if fraction(customer, "holdout", journey) * 100 < 5:
        drawn.held.append(name)
    elif draw(customer, (journey, mail), [("a", 50), ("b", 50)]) == "a":
        drawn.plain.append(name)
    else:
        drawn.gift.append(name)


def test_it_is_published_and_lived(shop: Shop, browser: Browser, by_keyboard: Built) -> None:
    made = parcours(shop.product, "key", "create", "--role", "source", "--json")
    source = Client(json.loads(made.stdout)["key"], host=shop.product.url, upload_interval=0.05)
    steps = [*walk(parse_journey(by_keyboard.file).steps)]
    wait, mail, opened, leaves, _ = (step.id for step in steps)
    people = cast(shop, source, by_keyboard.id, mail)
    reader, silent, buyer, earlier, thrifty = people.plain[:5]
    with shop.page(browser) as page:
        _shorten_and_publish(page, by_keyboard.id)
        page.evaluate("() => { window.unbroken = true; }")
        source.track(earlier, "Order Completed", {"total": 80})
        for name in (reader, silent, buyer, earlier, *people.gift[:2], people.held[0]):
            source.track(name, "Product Added", {"name": "lamp", "cart_value": 49.9})
        source.track(thrifty, "Product Added", {"name": "match", "cart_value": 3})
        source.track(buyer, "Order Completed", {"total": 49.9})
        source.flush()
        _shows(page, {"t-entered": 5, f"n-{mail}": 4, f"n-{opened}": 4, f"n-{wait}": 0})
        with _tab(page) as outbox:
            letters = _letters(outbox)
        names = [reader, silent, *people.gift[:2]]
        assert {to for to, _ in letters} == {f"Ann {name.removeprefix('ann-')}" for name in names}
        presents = [f"Ann {name.removeprefix('ann-')}" for name in people.gift[:2]]
        assert {to for to, said in letters if "10 % off" in said} == set(presents)
        _open(shop, reader)
        _shows(page, {f"n-{leaves}": 1, f"n-{opened}": 3})
        assert page.evaluate("() => window.unbroken"), "the page was not loaded again"
    source.shutdown()
    ended = {row.end_reason for row in _runs(shop, reader)}
    assert ended == {"reached"}
    assert {row.end_reason for row in _runs(shop, buyer)} == {"purchased"}
    assert [row.held_out for row in _runs(shop, people.held[0])] == [True]
    assert not _runs(shop, thrifty)
    assert not _runs(shop, earlier)


def _shorten_and_publish(page: Page, journey: str) -> None:
    """Let the hour be three seconds, by the settings of the step, and publish."""
    hands = Mouse(page)
    page.goto(f"/journeys/{journey}?show=draft")
    hands.push(page.get_by_role("button", name="Wait 1 hour").first)
    hands.write(page.get_by_label("How long"), "3")
    hands.choose(page.get_by_label("Unit"), "seconds")
    _save(hands)
    hands.push(page.get_by_role("link", name="Publish…"))
    hands.push(page.get_by_role("button", name="Publish version 1"))
    expect(page.get_by_text("Version 1 is live")).to_be_visible()


def _shows(page: Page, figures: dict[str, int]) -> None:
    for place, n in figures.items():
        expect(page.locator(f"#{place}")).to_have_text(str(n), timeout=30_000)


@contextmanager
def _tab(page: Page) -> Iterator[Page]:
    opened = page.context.new_page()
    yield opened
    opened.close()


def _letters(page: Page) -> set[tuple[str, str]]:
    """Read each message of the outbox: to whom, and what it says."""
    page.goto("/outbox")
    found = set()
    listed = page.get_by_role("region", name="Messages").get_by_role("listitem")
    expect(listed).to_have_count(4)
    for one in listed.all():
        one.get_by_role("link").click()
        message = page.get_by_role("region", name="Message", exact=True)
        subject = one.get_by_role("link").locator(".mail-what .cut").inner_text()
        expect(message.get_by_role("heading")).to_have_text(subject)
        expect(one.get_by_role("link")).to_have_attribute("aria-current", "true")
        to = one.get_by_role("link").locator("b").inner_text()
        expect(message.get_by_role("link", name=to)).to_be_visible()
        body = message.frame_locator("iframe").locator("body")
        found.add((to, body.inner_text()))
    return found


def _runs(shop: Shop, name: str) -> list[Any]:
    return shop.rows(tables.run, tables.run.c.customer_id == _customer(shop, name))


def _customer(shop: Shop, name: str) -> UUID:
    found: UUID = shop.rows(tables.identity, tables.identity.c.value == name)[0].customer_id
    return found


def _open(shop: Shop, name: str) -> None:
    """Let the provider tell that she has opened her message, as its webhook does."""
    (message,) = shop.rows(tables.message, tables.message.c.customer_id == _customer(shop, name))
    args = {"parcours_message": str(message.id)}
    mail = Mail(id="opened", to=message.to, subject="", text=None, html=None, args=args)
    event = shop.provider.event(
        mail, "open", timestamp=int(time.time()) + 1, useragent="Mozilla/5.0 (X11) Firefox/140.0"
    )
    told = shop.provider.signed(f"{shop.product.url}/hooks/sendgrid", [event])
    assert told.post() == 204
