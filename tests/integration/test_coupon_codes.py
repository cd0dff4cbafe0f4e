"""Codes under many hands: nobody gets another's, and nobody two."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID, uuid4

import pytest

from engine.errors import Conflict
from engine.flow import coupons, materials
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.coupon import CouponPool
from engine.model.journey import Journey
from engine.model.snippet import Snippet
from engine.model.template import Template
from engine.store import catalogue
from engine.store import coupons as stored
from engine.store.session import Database

DAY = date(2026, 3, 1)
GIVEN = CouponPool(id="given", name="Given")
MADE = CouponPool(id="made", name="Made", kind="generated", pattern="S-XXXX-XXXX")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    coupons.put_pool(opened, GIVEN, actor=COMMAND_LINE)
    coupons.put_pool(opened, MADE, actor=COMMAND_LINE)
    yield opened
    opened.close()


def code(database: Database, pool: str, message: UUID) -> str | None:
    codes = coupons.codes_for(database, [pool], message, uuid4(), today=DAY)
    return codes[pool] if codes else None


@pytest.mark.parametrize("pool", ["given", "made"])
def test_each_message_gets_its_own_code_and_the_same_again(database: Database, pool: str) -> None:
    if pool == "given":
        coupons.add_codes(database, "given", [f"C{n:03}" for n in range(40)], actor=COMMAND_LINE)
    messages = [uuid4() for _ in range(20)]
    with ThreadPoolExecutor(8) as hands:  # each message is asked for four times at once
        asked = [*messages] * 4
        got = list(zip(asked, hands.map(lambda one: code(database, pool, one), asked), strict=True))
    by_message = dict(got)
    assert all(by_message[message] == found for message, found in got)
    assert len(set(by_message.values())) == 20
    assert None not in by_message.values()
    with database.read() as connection:
        counts = stored.counts(connection, GIVEN if pool == "given" else MADE)
    assert counts == stored.Counts(20, 20 if pool == "given" else None)


def test_an_empty_pool_gives_none_and_takes_none_of_another(database: Database) -> None:
    message = uuid4()
    assert coupons.codes_for(database, ["given", "made"], message, uuid4(), today=DAY) is None
    assert coupons.codes_for(database, ["nowhere"], message, uuid4(), today=DAY) is None
    with database.read() as connection:
        assert stored.given_to(connection, "made", message) is None
    assert coupons.add_codes(database, "given", ["A", "B", "A"], actor=COMMAND_LINE) == 2
    assert coupons.add_codes(database, "given", ["A", "C"], actor=COMMAND_LINE) == 1
    assert coupons.codes_for(database, ["given", "made"], message, uuid4(), today=DAY)
    with pytest.raises(Conflict, match="makes its codes itself"):
        coupons.add_codes(database, "made", ["A"], actor=COMMAND_LINE)


def test_an_expired_pool_gives_only_what_it_gave_before(database: Database) -> None:
    coupons.add_codes(database, "given", ["A", "B"], actor=COMMAND_LINE)
    message = uuid4()
    assert code(database, "given", message) == "A"
    coupons.put_pool(
        database, GIVEN.model_copy(update={"expires": date(2026, 2, 1)}), actor=COMMAND_LINE
    )
    assert code(database, "given", message) == "A"
    assert code(database, "given", uuid4()) is None


def test_what_a_live_journeys_template_shares_cannot_be_taken_away(database: Database) -> None:
    body = "{% render 'greeting' %} {{ coupon.given }}"
    template = {"id": "t", "name": "T", "channel": "sms", "locales": {"en": {"body": body}}}
    materials.put_template(database, Template.model_validate(template), actor=COMMAND_LINE)
    journey = {
        "id": "j", "name": "J", "topic": "news", "entry": {"on": {"event": "Go"}},
        "steps": [{"id": "s", "type": "send", "channel": "sms", "template": "t"}],
    }  # fmt: skip
    problems = save_journey(database, Journey.model_validate(journey), actor=COMMAND_LINE).problems
    assert any("the snippet greeting" in problem.message for problem in problems)
    greeting = Snippet(id="greeting", name="Greeting", locales={"en": "Hello {{ customer.name }}"})
    materials.put_snippet(database, greeting, actor=COMMAND_LINE)
    publish(database, "j", actor=COMMAND_LINE)
    with database.read() as connection:
        assert catalogue.current(database, connection).snippets == {"greeting": greeting}
    with pytest.raises(Conflict, match="greeting"):
        materials.delete(database, "snippet", "greeting", actor=COMMAND_LINE)
    with pytest.raises(Conflict, match="given"):
        coupons.delete_pool(database, "given", actor=COMMAND_LINE)
    with pytest.raises(Conflict, match="cannot be read"):
        materials.put_snippet(
            database,
            Snippet(id="greeting", name="G", locales={"en": "{% if %}"}),
            actor=COMMAND_LINE,
        )
