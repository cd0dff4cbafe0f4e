"""The customer's own pages: what opening, pressing and a mail program's request change."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from engine.flow.consent import Proof, say
from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.topics import put_topic
from engine.model.actor import COMMAND_LINE
from engine.model.topic import Topic
from engine.run.links import Links
from engine.settings import Settings
from engine.store import consent
from engine.store.session import Database

MAIL = UUID(int=7)
ONE_CLICK = "List-Unsubscribe=One-Click"


class Ada:
    """A customer, and the links that she was sent."""

    def __init__(self, client: TestClient, settings: Settings, locale: str = "en") -> None:
        self.client, self.settings = client, settings
        self.database: Database = client.app.state.database  # type: ignore[attr-defined]
        self.links = Links(base="", keys=settings.link_keys())
        for topic in (
            Topic(
                id="offers", name="Offers", description="Our best prices.", names={"fr": "Offres"}
            ),
            Topic(id="vip", name="VIP club", default="unsubscribed", double_opt_in=True),
        ):
            put_topic(self.database, topic, actor=COMMAND_LINE)
        addresses = {"email": "ada@example.com", "phone": "+41446681800"}
        record = CustomerRecord(addresses=addresses, locale=locale)
        self.id = put_customer(self.database, f"external_id:{uuid4()}", record).id

    @property
    def unsubscribe(self) -> str:
        return self.links.unsubscribe(self.id, MAIL, "offers", "email")

    @property
    def preferences(self) -> str:
        return self.links.preferences(self.id)

    def wants(self) -> Any:
        with self.database.read() as connection:
            found = consent.customer(connection, self.id)
        assert found is not None
        return found.consent


@pytest.fixture
def ada(stranger: TestClient, shop_settings: Settings) -> Ada:
    return Ada(stranger, shop_settings)


def test_opening_an_unsubscribe_link_changes_nothing(ada: Ada) -> None:
    for method in ("GET", "HEAD"):
        answer = ada.client.request(method, ada.unsubscribe)
        assert answer.status_code == 200
        assert answer.headers["x-robots-tag"] == "noindex"
        assert "set-cookie" not in answer.headers
    assert "“Offers” by email" in ada.client.get(ada.unsubscribe).text
    assert ada.wants() == {}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_mail_programs_request_unsubscribes_at_once(ada: Ada, content: str, kind: str) -> None:
    for _ in range(2):  # it may ask again
        answer = ada.client.post(ada.unsubscribe, content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.text) == (200, "You are unsubscribed.")
    assert ada.wants() == {"offers": {"email": "unsubscribed"}}


def test_the_button_unsubscribes_and_leads_on(ada: Ada) -> None:
    answer = ada.client.post(ada.unsubscribe, data={"sure": "yes"})
    assert answer.status_code == 200
    assert "/preferences/" in answer.text
    assert ada.wants() == {"offers": {"email": "unsubscribed"}}


@pytest.mark.parametrize("path", ["/u/", "/preferences/", "/c/"])
@pytest.mark.parametrize("token", ["forged", "a/b", "WyJ4Il0.AAAA", "é", "%00", ""])
def test_forged_links_do_nothing(ada: Ada, path: str, token: str) -> None:
    for method in ("GET", "POST"):
        answer = ada.client.request(method, path + token)
        assert answer.status_code == 404
        assert "This link does not work" in answer.text


def test_links_of_customers_who_are_gone_and_of_other_purposes(ada: Ada) -> None:
    nobody = ada.links.unsubscribe(uuid4(), MAIL, "offers", "email")
    other = ada.unsubscribe.replace("/u/", "/preferences/")
    for link in (nobody, other):
        assert ada.client.get(link).status_code == 404
        assert ada.client.post(link, content=ONE_CLICK).status_code == 404


def test_preferences_are_what_she_touched(ada: Ada) -> None:
    page = ada.client.get(ada.preferences)
    assert "a…@example.com" in page.text
    assert "ada@example.com" not in page.text
    shown = ["offers|email|on", "offers|sms|on", "vip|email|off", "vip|sms|off"]
    for field in shown:
        assert f'value="{field}"' in page.text
    saved = ada.client.post(
        ada.preferences, data={"shown": shown, "on": ["offers|email", "vip|email"]}
    )
    assert (saved.status_code, saved.headers["location"]) == (303, f"{ada.preferences}?saved=yes")
    assert ada.wants() == {"offers": {"sms": "unsubscribed"}, "vip": {"email": "pending"}}
    assert "Waiting for you to confirm" in ada.client.get(ada.preferences).text


def test_one_button_ends_everything(ada: Ada) -> None:
    ada.client.post(ada.preferences, data={"everything": "off", "shown": "offers|email|on"})
    assert ada.wants()["*"] == dict.fromkeys(("email", "sms", "whatsapp", "push"), "unsubscribed")


def test_she_is_spoken_to_in_her_language_and_may_choose_it(
    stranger: TestClient, shop_settings: Settings
) -> None:
    ada = Ada(stranger, shop_settings, locale="fr-CH")
    assert '<html lang="fr">' in stranger.get(ada.preferences).text
    assert "Offres" in stranger.get(ada.preferences).text
    stranger.post(ada.preferences, data={"language": "en"})
    assert '<html lang="en">' in stranger.get(ada.preferences).text


def test_a_confirmation_is_pressed_not_opened(ada: Ada) -> None:
    say(ada.database, ada.id, {("vip", "email"): "subscribed"}, Proof(how="form"))
    link = ada.links.confirmation(ada.id, "vip", "email")
    assert "Do you want “VIP club”?" in ada.client.get(link).text
    assert ada.wants()["vip"] == {"email": "pending"}
    assert ada.client.post(link).status_code == 303
    assert ada.wants()["vip"] == {"email": "subscribed"}
    assert "You are subscribed" in ada.client.get(link).text


def test_topics_are_made_changed_and_deleted_on_their_page(visitor: TestClient) -> None:
    def send(path: str, **fields: str) -> Any:
        page = visitor.get("/topics/new").text
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        return visitor.post(path, data={"csrf": csrf, **fields})

    made = send("/topics/new", id="seasons", name="Seasons", default="unsubscribed")
    assert made.status_code == 303
    assert "Seasons" in visitor.get("/topics").text
    assert send("/topics/new", id="seasons", name="Again").status_code == 409
    wrong = send("/topics/new", id="two words", name="")
    assert wrong.status_code == 422
    assert "Give it a name" in wrong.text
    assert send("/topics/seasons", name="The seasons", double_opt_in="yes").status_code == 303
    assert "The seasons" in visitor.get("/topics/seasons").text
    assert send("/topics/seasons/delete").status_code == 303
    assert visitor.get("/topics/seasons").status_code == 404
