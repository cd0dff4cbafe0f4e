"""Writers at the same time: one customer, one version, whole or not at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import Conflict, InvalidInput
from engine.flow import materials, publish
from engine.flow.customers import CustomerRecord, put_customer
from engine.model.actor import COMMAND_LINE
from engine.model.addresses import phone_number
from engine.model.document import parse_journey
from engine.model.template import Template
from engine.store import keys
from engine.store.session import Database

JOURNEY = """
id: welcome
name: Welcome
topic: news
entry: {on: {event: Signed Up}}
steps:
  - {id: mail, type: send, channel: email, template: hello}
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def eight_times(work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, range(8)))


def count(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def test_one_customer_is_made_however_many_make_her(database: Database) -> None:
    puts = eight_times(
        lambda n: put_customer(database, "external_id:42", CustomerRecord(traits={"n": n}))
    )
    assert len({put.id for put in puts}) == 1
    assert [put.created for put in puts].count(True) == 1
    assert (count(database, "customer"), count(database, "identity")) == (1, 1)


def test_identities_that_cross_give_one_owner(database: Database) -> None:
    def work(n: int) -> str:
        card = CustomerRecord(identities=(("loyalty", "7"),))
        try:
            put_customer(database, f"external_id:{n}", card)
        except Conflict:
            return "refused"
        return "taken"

    assert sorted(eight_times(work)) == ["refused"] * 7 + ["taken"]
    assert count(database, "customer") == 1


def test_the_same_draft_published_at_once_gives_one_version(database: Database) -> None:
    template = {"id": "hello", "name": "H", "channel": "email", "locales": {"en": {"body": "Hi"}}}
    materials.put_template(database, Template.model_validate(template), actor=COMMAND_LINE)
    publish.save_journey(database, parse_journey(JOURNEY), JOURNEY, actor=COMMAND_LINE)
    assert (
        eight_times(lambda _: publish.publish(database, "welcome", actor=COMMAND_LINE)) == [1] * 8
    )
    assert count(database, "journey_version") == 1


def test_a_phone_number_is_kept_as_it_is_dialled_from_anywhere() -> None:
    assert phone_number("+41 (0)44 668 18 00") == "+41446681800"
    assert phone_number("044 668 18 00", "CH") == "+41446681800"
    for wrong in ("044 668 18 00", "call me", "", None, {"a": 1}, "+41 1"):
        with pytest.raises(InvalidInput):
            phone_number(wrong)


def test_a_key_is_found_by_its_secret_until_it_is_revoked(database: Database) -> None:
    made = database.transact(lambda connection: keys.create(connection, "viewer", "reports"))
    assert made.secret not in repr(made)
    ring = keys.KeyRing(remembered=0.0)
    found = ring.find(database, made.secret)
    assert found == keys.Key(id=made.id, role="viewer", name="reports")
    for wrong in ("", "pk_", made.secret + "x", made.secret[3:]):
        assert ring.find(database, wrong) is None
    database.transact(lambda connection: keys.revoke(connection, made.id))
    assert ring.find(database, made.secret) is None
    with pytest.raises(InvalidInput):
        database.transact(lambda connection: keys.create(connection, "king"))
    with database.read() as connection:
        stored = str(connection.execute(text("SELECT * FROM api_key")).all())
    assert made.secret not in stored
