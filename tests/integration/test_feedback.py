"""What providers tell: once, in any order, signed or not at all, as events journeys wait for."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from activities.content.links import Tracker
from designer.hooks import routes as hooks
from designer.links import routes as links
from engine.errors import InvalidInput
from engine.flow import feedback
from engine.flow.claim import Rendered
from engine.flow.feedback import Word
from engine.flow.record import Outcome
from engine.model.actor import COMMAND_LINE
from engine.names import Wake
from engine.settings import Settings
from engine.store import ledger, tables
from engine.store.session import Database
from tests.doubles.sendgrid import Mail, SendGrid
from tests.doubles.server import Callback
from tests.doubles.twilio import Message, Twilio
from tests.integration.test_claim import Story

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient

PUBLIC = "https://journeys.example.com"
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "+41790000000"


class Told:
    """A gateway that remembers."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []

    def tell_soon(self, wakes: list[Wake]) -> None:
        self.wakes += wakes


class Providers:
    """A shop whose messages two providers carry, and who call back."""

    def __init__(self, database: Database, sendgrid: SendGrid, twilio: Twilio) -> None:
        self.story = Story(database)
        self.sendgrid = sendgrid
        self.twilio = twilio
        self.gateway = Told()
        app = FastAPI()
        app.state.database = database
        app.state.gateway = self.gateway
        self.settings = app.state.settings = Settings.load(
            public_url=PUBLIC,
            secret_key="of a test",
            sendgrid_webhook_key=sendgrid.verification_key,
            twilio_auth_token=twilio.token,
        )
        app.include_router(hooks.router)
        app.include_router(links.router)
        self.app = app
        self.client = TestClient(app, raise_server_exceptions=False)

    def sent(self, channel: str = "email", *, record: bool = True, **step: Any) -> UUID:
        """Send one message, and return its id."""
        if not self.story.rows(tables.journey):
            self.story.set_up(channel=channel, **step)
        self.story.go()
        to = "ada@example.com" if channel == "email" else PHONE
        claimed = self.story.claim(rendered=Rendered(to=to, subject="s", body="b"))
        if record:
            provider = "sendgrid" if channel == "email" else "twilio"
            outcome = Outcome(what="sent", provider=provider, provider_id="p1")
            self.story.record(claimed, outcome)
        return UUID(str(self.story.message().id))

    def mail(self, message: UUID) -> Mail:
        """The message as SendGrid knows it."""
        args = {"parcours_message": str(message)}
        return Mail(id="p1", to="ada@example.com", subject="s", text="b", html=None, args=args)

    def text(self) -> Message:
        """The message as Twilio knows it."""
        return Message(sid="p1", to=PHONE, from_="+15550000000", body="b", status_callback=None,
                       created=datetime.now(UTC))  # fmt: skip

    def post(self, callback: Callback, **headers: str | None) -> int:
        """Post a callback; `headers` replace some of its own, None leaves one out."""
        path = callback.url.removeprefix(PUBLIC)
        given = {**callback.headers, **headers}
        kept = {name: value for name, value in given.items() if value is not None}
        return self.client.post(path, content=callback.body, headers=kept).status_code

    def tell(self, *events: dict[str, Any], at: float | None = None) -> int:
        """Post events as SendGrid does."""
        return self.post(self.sendgrid.signed(PUBLIC + "/hooks/sendgrid", events, at=at))

    def names(self) -> list[str]:
        """The customer's events by name, in their order."""
        rows = sorted(self.story.rows(tables.event), key=lambda row: row.seq)
        return [row.name for row in rows if row.name not in {"Customer Identified", "Go"}]

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.story.database.read() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables.metadata.sorted_tables
            }

    def state(self) -> tuple[Any, ...]:
        """All that a word could change."""
        customer = self.story.rows(tables.customer)
        return self.counts(), customer, self.story.message(), self.story.run_row()


@pytest.fixture
def providers(database_url: str) -> Iterator[Providers]:
    database = Database(database_url)
    with SendGrid() as sendgrid, Twilio() as twilio:
        yield Providers(database, sendgrid, twilio)
    database.close()


def test_what_is_delivered_opened_and_followed_is_told(providers: Providers) -> None:
    message = providers.sent()
    mail, event = providers.mail(message), providers.sendgrid.event
    words = (
        event(mail, "processed"),
        event(mail, "delivered", timestamp=int(time.time()) - 60),
        event(mail, "open", useragent=PERSON),
        event(mail, "click", useragent=PERSON, url="https://shop.example.com/a"),
    )
    assert providers.tell(*words) == 204
    assert providers.names() == ["Message Delivered", "Message Opened", "Message Clicked"]
    with providers.story.database.read() as connection:
        shown = ledger.message(connection, message)
    assert None not in {shown["delivered_at"], shown["opened_at"], shown["clicked_at"]}
    assert {shown["bounced_at"], shown["replied_at"]} == {None}
    clicked = providers.story.rows(tables.event, tables.event.c.name == "Message Clicked")[0]
    assert clicked.properties == {
        "message": str(message), "journey": "j", "step": "mail", "channel": "email",
        "template": "t", "topic": "offers", "url": "https://shop.example.com/a",
    }  # fmt: skip
    assert clicked.source == "sendgrid"


def test_told_twice_counts_once(providers: Providers) -> None:
    message = providers.sent()
    delivered = providers.sendgrid.event(providers.mail(message), "delivered")
    assert providers.tell(delivered, delivered) == 204
    before = providers.state()
    assert providers.tell(delivered) == 204
    assert providers.state() == before
    assert providers.names() == ["Message Delivered"]


def test_the_first_instant_stays_in_whatever_order_they_come(providers: Providers) -> None:
    message = providers.sent()
    mail = providers.mail(message)
    now = int(time.time())
    for at in (now - 50, now - 90, now - 10):
        assert (
            providers.tell(providers.sendgrid.event(mail, "open", useragent=PERSON, timestamp=at))
            == 204
        )
    assert providers.story.message().opened_at == datetime.fromtimestamp(now - 90, UTC)
    assert providers.names() == ["Message Opened"] * 3


def test_a_message_is_found_by_the_providers_id_too(providers: Providers) -> None:
    providers.sent()
    event = providers.sendgrid.event(providers.mail(uuid4()), "delivered")
    del event["parcours_message"]
    assert providers.tell(event) == 204
    assert providers.names() == ["Message Delivered"]


def test_messages_of_others_are_none_of_our_business(providers: Providers) -> None:
    providers.sent()
    before = providers.state()
    other = providers.sendgrid.event(providers.mail(uuid4()), "delivered", sg_message_id="other")
    assert providers.tell(other) == 204
    assert providers.state() == before


def test_what_sendgrid_did_not_sign_just_now_changes_nothing(providers: Providers) -> None:
    mail = providers.mail(providers.sent())
    before = providers.state()
    bounce = providers.sendgrid.event(mail, "bounce", type="bounce")
    url, now = PUBLIC + "/hooks/sendgrid", time.time()
    signed = providers.sendgrid.signed(url, [bounce])
    for headers in (
        {SIGNATURE: None},
        {TIMESTAMP: None},
        {SIGNATURE: "bm8="},
        {SIGNATURE: "no base64"},
        {TIMESTAMP: "1"},
    ):
        assert providers.post(signed, **headers) == 401, headers
    changed = Callback(url=url, headers=signed.headers, body=signed.body + b" ")
    assert providers.post(changed) == 401
    for at in (now - 660, now + 660):
        assert providers.post(providers.sendgrid.signed(url, [bounce], at=at)) == 401, at
    assert providers.state() == before


def test_what_sendgrid_would_not_send_changes_nothing(providers: Providers) -> None:
    good = providers.sendgrid.event(providers.mail(providers.sent()), "delivered")
    before = providers.state()
    for bad in (
        "text",
        {"event": "open"},
        {"event": "open", "sg_event_id": "1", "timestamp": "today"},
        {"event": "open", "sg_event_id": "1", "timestamp": -1},
        {"event": "open", "sg_event_id": "a\0b", "timestamp": 1},
        {"event": "open", "sg_event_id": "\ud800", "timestamp": 1},
    ):
        assert providers.tell(good, bad) == 400, bad  # type: ignore[arg-type]
    assert providers.state() == before


def test_without_a_key_nobody_may_call(providers: Providers) -> None:
    message = providers.sent()
    providers.app.state.settings = Settings.load()
    event = providers.sendgrid.event(providers.mail(message), "delivered")
    assert providers.tell(event) == 404
    assert providers.post(providers.twilio.inbound(PUBLIC + "/hooks/twilio", PHONE, "STOP")) == 404


def test_a_journey_that_waits_for_an_open_goes_on(providers: Providers) -> None:
    from engine.flow.publish import publish, save_journey
    from engine.model.journey import Journey

    story = providers.story
    story.set_up()
    journey = {
        "id": "j", "name": "j", "topic": "offers",
        "entry": {"on": {"event": "Go"}, "reentry": {"mode": "per_key", "key": "n"}},
        "steps": [
            {"id": "mail", "type": "send", "channel": "email", "template": "t"},
            {"id": "opened", "type": "wait_for", "since": "mail", "timeout": "1d", "events": [
                {"on": {"event": "Message Opened", "message": "mail"},
                 "then": [{"id": "done", "type": "exit", "reason": "reached"}]}]},
        ],
    }  # fmt: skip
    save_journey(story.database, Journey.model_validate(journey), actor=COMMAND_LINE)
    publish(story.database, "j", actor=COMMAND_LINE)
    mail = providers.mail(providers.sent())
    apple = providers.sendgrid.event(mail, "open", useragent="Mozilla/5.0", sg_machine_open=True)
    assert providers.tell(apple) == 204
    assert providers.names() == ["Message Opened By Machine"]
    assert story.message().opened_at is None
    assert story.run_row().ended_at is None
    assert providers.gateway.wakes == []
    assert providers.tell(providers.sendgrid.event(mail, "open", useragent=PERSON)) == 204
    assert story.run_row().end_reason == "reached"
    assert [wake.run for wake in providers.gateway.wakes] == [str(story.run_row().id)]


def test_a_scanner_that_follows_every_link_is_not_counted(providers: Providers) -> None:
    mail = providers.mail(providers.sent())
    delivered = providers.sendgrid.event(mail, "delivered", timestamp=int(time.time()) - 60)
    clicks = [
        providers.sendgrid.event(mail, "click", useragent=PERSON, url=f"https://shop.example/{n}")
        for n in range(3)
    ]
    assert providers.tell(delivered, *clicks[:2]) == 204
    assert providers.tell(clicks[2]) == 204
    assert providers.names() == ["Message Delivered", *["Message Clicked By Machine"] * 3]
    assert providers.story.message().clicked_at is None


def test_a_link_of_our_own(providers: Providers) -> None:
    message, database = providers.sent(), providers.story.database
    a_while_ago = datetime.now(UTC) - timedelta(hours=1)
    database.transact(lambda c: c.execute(tables.message.update().values(sent_at=a_while_ago)))
    tracker = Tracker(providers.settings.link_keys(), PUBLIC)
    path = tracker.sign(message, "https://shop.example.com/").removeprefix(PUBLIC)

    def follow(agent: str) -> int:
        answer = providers.client.get(path, headers={"User-Agent": agent}, follow_redirects=False)
        return answer.status_code

    assert follow("python-requests/2") == 302
    assert providers.story.message().clicked_at is None
    assert follow(PERSON) == 302
    assert providers.story.message().clicked_at is not None
    assert providers.names() == ["Message Clicked By Machine", "Message Clicked"]


@pytest.mark.parametrize(
    ("event", "more", "reason"),
    [
        ("bounce", {"type": "bounce", "status": "5.1.1"}, "bounced"),
        ("bounce", {"type": "blocked", "status": "4.0.0"}, None),
        ("dropped", {"reason": "Bounced Address"}, "bounced"),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
    ],
)
def test_what_ends_an_address(
    providers: Providers, event: str, more: dict[str, str], reason: str | None
) -> None:
    mail = providers.mail(providers.sent())
    told = providers.sendgrid.event(mail, event, **more)
    assert providers.tell(told) == 204
    after = providers.state()
    rows = providers.story.rows(tables.suppression)
    assert [(r.channel, r.address, r.reason) for r in rows] == (
        [("email", "ada@example.com", reason)] if reason else []
    )
    (customer,) = providers.story.rows(tables.customer)
    assert customer.suppressed.get("email", {}).get("reason") == reason
    assert providers.tell(told) == 204
    assert providers.state() == after


def test_a_group_is_the_topic_of_the_message(providers: Providers) -> None:
    mail = providers.mail(providers.sent())
    assert providers.tell(providers.sendgrid.event(mail, "group_unsubscribe")) == 204
    (customer,) = providers.story.rows(tables.customer)
    assert customer.consent == {"offers": {"email": "unsubscribed"}}
    assert providers.names() == ["Unsubscribed"]
    assert providers.story.message().unsubscribed_at is not None
    assert providers.story.rows(tables.suppression) == []


def test_a_callback_settles_what_no_answer_did(providers: Providers) -> None:
    message = providers.sent(record=False)
    assert providers.story.message().state == "claimed"
    processed = providers.sendgrid.event(providers.mail(message), "processed")
    assert providers.tell(processed) == 204
    row = providers.story.message()
    assert (row.state, row.provider, row.provider_id) == ("sent", "sendgrid", "p1")
    assert providers.story.run_row().step == "rest"
    assert len(providers.gateway.wakes) == 1


def test_one_word_that_fails_holds_up_no_other(
    providers: Providers, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    mail = providers.mail(providers.sent())
    events = [providers.sendgrid.event(mail, name) for name in ("bounce", "delivered")]

    error = RuntimeError(mail.to)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(feedback.consent, "suppress", fail)
        assert providers.tell(*events) == 500
    assert providers.names() == ["Message Delivered"]
    assert "ada@" not in caplog.text
    assert providers.tell(*events) == 204
    assert providers.names() == ["Message Delivered", "Message Bounced"]


def test_twilio_tells_the_status(providers: Providers) -> None:
    message = providers.sent("sms")
    url, text = f"{PUBLIC}/hooks/twilio?message={message}", providers.text()
    for status in ("sent", "delivered", "delivered"):
        assert providers.post(providers.twilio.status(url, text, status)) == 200
    assert providers.names() == ["Message Delivered"]
    failed = providers.twilio.status(url, text, "undelivered", 30005)
    assert providers.post(failed) == 200
    assert providers.names() == ["Message Delivered", "Message Bounced"]
    assert [row.reason for row in providers.story.rows(tables.suppression)] == ["bounced"]


def test_a_stop_is_obeyed_and_an_answer_is_an_event(providers: Providers) -> None:
    providers.sent("sms")
    url = PUBLIC + "/hooks/twilio"
    yes = providers.twilio.inbound(url, PHONE, "Yes please")
    assert [providers.post(yes), providers.post(yes)] == [200, 200]
    assert providers.names() == ["Message Replied"]
    assert providers.story.message().replied_at is not None
    assert providers.story.rows(tables.suppression) == []
    stop = providers.twilio.inbound(url, PHONE, "STOP")
    assert providers.post(stop) == 200
    assert [row.reason for row in providers.story.rows(tables.suppression)] == ["stop"]
    assert providers.post(providers.twilio.inbound(url, PHONE, "START")) == 200
    assert providers.story.rows(tables.suppression) == []
    assert providers.post(stop) == 200  # an old one, told again
    assert providers.story.rows(tables.suppression) == []


def test_a_stop_of_somebody_unknown_is_obeyed(providers: Providers) -> None:
    stop = providers.twilio.inbound(PUBLIC + "/hooks/twilio", "+41791111111", "Stop")
    assert providers.post(stop) == 200
    assert [row.address for row in providers.story.rows(tables.suppression)] == ["+41791111111"]


def test_what_twilio_did_not_sign_changes_nothing(providers: Providers) -> None:
    message = providers.sent("sms")
    before = providers.state()
    url = f"{PUBLIC}/hooks/twilio?message={message}"
    signed = providers.twilio.status(url, providers.text(), "failed", 30005)
    for status, change in (
        (401, {"headers": {}}),
        (401, {"body": signed.body + b"&a=b"}),
        (401, {"url": url + "&x=1"}),
        (400, {"body": b"\xff=1"}),
        (413, {"body": b"x" * 5_000_001}),
    ):
        assert providers.post(replace(signed, **change)) == status, status  # type: ignore[arg-type]
    for form in (
        {"Body": "STOP"},
        {"MessageSid": "SM1"},
        {"MessageSid": "SM1", "From": PHONE},
        {"MessageSid": "SM\0", "MessageStatus": "sent"},
    ):
        assert providers.post(providers.twilio.signed(url, form)) == 400, form
    assert providers.state() == before


def test_nobody_is_told_of_a_message_that_is_not_there(providers: Providers) -> None:
    word = Word(what="delivered", source="x", key="1", message=uuid4())
    assert feedback.hear(providers.story.database, word) == []


def test_a_key_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(InvalidInput, match="PARCOURS_SENDGRID_WEBHOOK_KEY: must be"):
        Settings.load(sendgrid_webhook_key="-----BEGIN PUBLIC KEY-----")
