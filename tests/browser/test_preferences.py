"""The customer's own pages on her phone: she looks, chooses, ends and confirms."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page

from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.topics import put_topic
from engine.model.actor import COMMAND_LINE
from engine.model.topic import Topic
from engine.run.links import Links
from engine.store import consent

AXE = (Path(__file__).parent / "vendor/axe-core/axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TOPICS = (
    Topic(id="offers", name="Offers", description="Our best prices, at most once a week.",
          names={"fr": "Offres"}, descriptions={"fr": "Nos meilleurs prix, une fois par semaine."}),
    Topic(id="club", name="The club", default="unsubscribed", double_opt_in=True,
          description="Evenings in our shops, for friends."),
)  # fmt: skip


class Her:
    """A customer with her links."""

    def __init__(self, site: Any, locale: str) -> None:
        self.database = site.database
        for topic in TOPICS:
            put_topic(self.database, topic, actor=COMMAND_LINE)
        record = CustomerRecord(
            addresses={"email": f"{uuid4().hex}@example.com", "phone": "+41446681800"},
            locale=locale,
        )
        self.id = put_customer(self.database, f"external_id:{uuid4()}", record).id
        self.links = Links(base=site.url, keys=site.settings.link_keys())

    def wants(self) -> Any:
        with self.database.read() as connection:
            found = consent.customer(connection, self.id)
        assert found is not None
        return found.consent


def sound(page: Page, picture: Path) -> None:
    """Look at a page: nothing for axe to find, nothing cut, nothing from elsewhere."""
    page.screenshot(path=picture, full_page=True)
    page.evaluate(f"() => {{ {AXE} }}")
    options = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    found = page.evaluate(
        f"""async () => (await axe.run(document, {options})).violations.flatMap(
            (rule) => rule.nodes.map((node) => [rule.id, node.target, node.failureSummary]))"""
    )
    assert found == []
    root = "document.documentElement"
    assert not page.evaluate(f"{root}.scrollWidth > {root}.clientWidth")


@pytest.mark.parametrize(
    ("size", "look", "locale"), [("phone", "light", "en"), ("phone", "dark", "fr"),
                                 ("desk", "dark", "en"), ("desk", "light", "fr")],
)  # fmt: skip
def test_she_chooses_what_she_gets(
    opens: Callable[..., Page], site: Any, pictures: Path, size: str, look: str, locale: str
) -> None:
    her = Her(site, locale)
    page = opens(size, look, known=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    name = f"own-{size}-{look}-{locale}"

    page.goto(her.links.unsubscribe(her.id, UUID(int=1), "offers", "email"))
    sound(page, pictures / f"{name}-unsubscribe.png")
    assert her.wants() == {}
    page.locator("main button").click()
    page.locator(".done").wait_for()
    sound(page, pictures / f"{name}-unsubscribed.png")
    assert her.wants()["offers"] == {"email": "unsubscribed"}

    page.locator(".other a").click()
    page.get_by_role("switch").first.wait_for()
    sound(page, pictures / f"{name}-preferences.png")
    page.locator("input[value='offers|email']").check()
    page.locator("input[value='club|email']").check()
    page.locator("button.first").click()
    page.locator(".note.good").wait_for()
    sound(page, pictures / f"{name}-saved.png")
    assert her.wants()["offers"]["email"] == "subscribed"
    assert her.wants()["club"] == {"email": "pending"}

    page.goto(her.links.confirmation(her.id, "club", "email"))
    sound(page, pictures / f"{name}-confirm.png")
    page.locator("main button").click()
    page.locator(".done").wait_for()
    sound(page, pictures / f"{name}-confirmed.png")
    assert her.wants()["club"] == {"email": "subscribed"}

    page.goto(f"{site.url}/u/forged")
    sound(page, pictures / f"{name}-gone.png")
    assert all(url.startswith((site.url, "data:")) for url in asked)
