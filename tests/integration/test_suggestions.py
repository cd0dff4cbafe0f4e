"""Ids that turn out to be one customer's, and pairs of whom that is suggested."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from engine.flow import history, suspecting
from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.segment_events import events_of
from engine.store import suggestions, tables
from engine.store.session import Database
from engine.store.suggestions import Wanted
from tests.integration.people import WHO, People


@pytest.fixture
def people(database_url: str) -> Iterator[People]:
    database = Database(database_url)
    yield People(database)
    database.close()


def alias(people: People, previous: str, user: str) -> None:
    people.does(user, "Customer Aliased", kind="alias", previous_id=previous)


def pairs(people: People, state: Any = "open") -> dict[frozenset[UUID], list[str]]:
    with people.database.read() as connection:
        found = suggestions.listed(connection, Wanted(state=state), limit=500).items
    return {
        frozenset({UUID(one["first"]), UUID(one["second"])}): sorted(one["reasons"])
        for one in found
    }


def two(people: People, *users: str) -> frozenset[UUID]:
    return frozenset(people.id(user) for user in users)


def look(people: People) -> int:
    """Let everybody be compared once; return how many customers were read for it."""
    people.put(lambda c: c.execute(text("UPDATE duplicate_pass SET due_at = now(), after = ''")))
    read = 0
    while (n := people.put(lambda c: suggestions.walk(c, suspecting.AT_ONCE))) is not None:
        read += n
    return read


# An alias


def test_an_alias_merges_an_anonymous_visit_into_the_customer(people: People) -> None:
    people.does("~v", "Seen")
    people.does("ada", "Bought")
    ada = people.id("ada")
    alias(people, "~v", "ada")
    assert people.id("~v") == people.id("ada") == ada
    row = people.one("SELECT how, actor, kept FROM merge")
    assert (row["how"], row["actor"], row["kept"]) == ("alias", "parcours", ada)
    assert pairs(people) == {}


def test_an_alias_merges_two_numbers_of_the_shop(people: People) -> None:
    people.does("old", "Seen")
    people.does("new", "Bought")
    alias(people, "old", "new")
    assert people.id("old") == people.id("new")


def test_an_alias_gives_a_known_customer_another_number(people: People) -> None:
    people.does("old", "Seen")
    was = people.id("old")
    alias(people, "old", "new")
    assert people.id("new") == was
    assert people.read("SELECT count(*) AS n FROM customer") == [{"n": 1}]
    people.does("new", "Bought", anonymous_id="~v")
    assert people.id("~v") == was


def test_an_alias_in_one_batch_with_what_made_both(people: People) -> None:
    calls = [
        {"type": "track", "event": "Seen", "anonymousId": "~v"},
        {"type": "identify", "userId": "ada", "traits": {}},
        {"type": "alias", "previousId": "~v", "userId": "ada"},
        {"type": "track", "event": "Bought", "anonymousId": "~v"},
    ]
    receive(people, calls)
    assert people.id("~v") == people.id("ada")
    rows = people.read("SELECT name FROM event WHERE customer_id = :id", id=people.id("ada"))
    assert len(rows) == 4


def receive(people: People, calls: list[dict[str, Any]]) -> None:
    from datetime import UTC, datetime

    from engine.flow.intake import receive

    events = events_of(None, {"batch": calls}, b"{}", "s", datetime.now(UTC))
    receive(people.database, events)


def test_an_alias_of_a_shared_browser_is_a_suggestion(people: People) -> None:
    people.does("bob", "Seen", anonymous_id="~family")
    people.does("ada", "Bought")
    alias(people, "~family", "ada")
    assert people.id("ada") != people.id("bob")
    assert pairs(people) == {two(people, "ada", "bob"): ["alias"]}


def test_an_alias_that_could_mean_two_is_a_suggestion(people: People) -> None:
    people.does("x", "Seen")
    people.does("somebody", "Seen", anonymous_id="x")
    people.does("ada", "Seen")
    alias(people, "x", "ada")
    assert pairs(people) == {
        two(people, "ada", "x"): ["alias"], two(people, "ada", "somebody"): ["alias"],
    }  # fmt: skip


def test_an_alias_of_two_loyalty_cards_is_a_suggestion(people: People) -> None:
    people.does("a", "Seen", identities=(("loyalty_card", "1"),))
    people.does("b", "Seen", identities=(("loyalty_card", "2"),))
    alias(people, "a", "b")
    assert pairs(people) == {two(people, "a", "b"): ["alias"]}


def test_an_alias_does_not_merge_two_people_again(people: People) -> None:
    people.does("~v", "Seen")
    people.does("ada", "Bought")
    alias(people, "~v", "ada")
    people.undo(people.one("SELECT id FROM merge")["id"])
    alias(people, "~v", "ada")
    assert people.id("~v") != people.id("ada")
    assert pairs(people) == {}
    assert pairs(people, "different") == {two(people, "~v", "ada"): []}


# Other names of a customer


def test_who_logs_in_where_another_was_known_is_a_suggestion(people: People) -> None:
    people.does("~v", "Seen")
    people.does("ada", "Bought")
    people.does("ada", "Bought", anonymous_id="~v")
    assert pairs(people) == {}  # a browser sends its own id along with every call
    people.does("ada", "Customer Identified", kind="identify", anonymous_id="~v")
    assert pairs(people) == {two(people, "~v", "ada"): ["login"]}


def test_further_ids_are_identities_of_whom_the_call_finds(people: People) -> None:
    ids = [
        {"type": "loyalty_card", "id": 7, "collection": "users", "encoding": "none"},
        {"type": "device", "id": "d1"},
        {"type": "email", "id": "0f3a", "encoding": "sha256"},
        {"type": "user_id", "id": "somebody-else"},
        {"type": "company", "id": "acme", "collection": "accounts"},
    ]
    call = {"type": "track", "event": "Seen", "userId": "ada", "context": {"externalIds": ids}}
    receive(people, [call])
    rows = people.read("SELECT namespace, value FROM identity ORDER BY namespace")
    assert [(row["namespace"], row["value"]) for row in rows] == [
        ("device", "d1"), ("external_id", "ada"), ("loyalty_card", "7"),
    ]  # fmt: skip
    receive(people, [call | {"userId": "bob"}])
    assert people.id("bob") != people.id("ada")
    assert pairs(people) == {two(people, "ada", "bob"): ["identities"]}


# Shared addresses, and the search in the background


def test_the_same_address_is_noticed_at_once(people: People) -> None:
    people.tells("a", email="Shared@Example.com", phone="+41790000000")
    people.tells("b", email="shared@example.com")
    people.tells("c", phone="+41 79 000 00 00")
    assert pairs(people) == {
        two(people, "a", "b"): ["email"], two(people, "a", "c"): ["phone"],
    }  # fmt: skip
    people.tells("b", phone="+41790000000")
    assert pairs(people)[two(people, "a", "b")] == ["email", "phone"]


def test_a_record_that_is_put_is_compared_too(people: People) -> None:
    people.tells("a", email="a@example.com")
    record = CustomerRecord(traits={"email": "a@example.com"})
    put_customer(people.database, "external_id:b", record)
    assert pairs(people) == {two(people, "a", "b"): ["email"]}


def made(people: People, *some: dict[str, Any]) -> list[UUID]:
    ids = [uuid7() for _ in some]
    rows = [
        {"id": id, "traits": {}, "addresses": {}, **one} for id, one in zip(ids, some, strict=True)
    ]
    people.put(lambda c: c.execute(tables.customer.insert(), rows))
    return ids


def test_customers_who_were_imported_are_compared_in_the_background(people: People) -> None:
    home = {"postcode": "CH 1003"}
    ids = made(
        people,
        {"addresses": {"email": "x@example.com"}},
        {"addresses": {"email": "X@example.com"}},
        {"addresses": {"phone": "+41790000001"}},
        {"addresses": {"phone": "+41790000001"}},
        {"traits": {"first_name": "Ann", "last_name": "Lee", **home}},
        {"traits": {"name": "ann lee", "address": {"postalCode": "ch1003"}}},
        {"traits": {"name": "Ann Lee", "birthday": "1990-01-02", "postcode": "9"}},
        {"traits": {"firstName": "ANN", "lastName": "LEE", "birth_date": "1990-01-02"}},
        {"traits": {"name": "Ann Lee"}},
    )
    look(people)
    assert pairs(people) == {
        frozenset(ids[0:2]): ["email"], frozenset(ids[2:4]): ["phone"],
        frozenset(ids[4:6]): ["name_postcode"], frozenset(ids[6:8]): ["name_birthday"],
    }  # fmt: skip
    assert suspecting.look_on(people.database) is False  # until tomorrow


def test_what_many_share_makes_no_pairs(people: People) -> None:
    phone = {"addresses": {"phone": "+41790000000"}}
    made(people, *[phone] * 50)
    family = made(people, *[{"addresses": {"email": "home@example.com"}}] * 4)
    people.tells("one-more", phone="+41790000000")
    assert look(people) == 50 + 4 + 1
    assert pairs(people) == {frozenset({family[0], one}): ["email"] for one in family[1:]}


def test_the_search_goes_on_where_it_was(people: People) -> None:
    n = suspecting.AT_ONCE + 200
    ids = made(people, *[{"addresses": {"email": f"{k // 2}@example.com"}} for k in range(n)])
    rounds = 0
    while suspecting.look_on(people.database):
        rounds += 1
    assert rounds >= 2
    assert frozenset(ids[-2:]) in pairs(people)
    with people.database.read() as connection:
        assert suggestions.count(connection) == n // 2


def test_the_search_reads_an_index_in_its_order(people: People) -> None:
    for kind, statement in suggestions._WALK.items():
        explained = people.put(
            lambda c, statement=statement: [
                c.execute(text("SET LOCAL enable_seqscan = off")),
                c.execute(text("SET LOCAL enable_sort = off")),
                c.execute(
                    text(f"EXPLAIN {statement.text}"), {"after": "a", "most": 100}
                ).scalars().all(),
            ][-1]
        )  # fmt: skip
        plan = "\n".join(explained)
        assert f"using ix_customer_{kind}" in plan.lower(), plan
        assert "Index Cond" in plan, plan


# What people decide


def test_two_people_are_not_suggested_again(people: People) -> None:
    people.tells("a", email="a@example.com")
    people.tells("b", email="a@example.com")
    a, b = people.id("a"), people.id("b")
    suspecting.decide(people.database, b, a, "different", actor=WHO)
    people.tells("b", phone="+41790000000")
    people.tells("a", phone="+41790000000")
    look(people)
    assert pairs(people) == {}
    assert pairs(people, "different") == {frozenset({a, b}): ["email"]}


def test_later_comes_back_when_more_speaks_for_it(people: People) -> None:
    people.tells("a", email="a@example.com")
    people.tells("b", email="a@example.com")
    suspecting.decide(people.database, people.id("a"), people.id("b"), "later", actor=WHO)
    look(people)
    assert pairs(people) == {}
    people.tells("a", phone="+41790000000")
    people.tells("b", phone="+41790000000")
    assert pairs(people) == {two(people, "a", "b"): ["email", "phone"]}


def test_a_merge_takes_over_what_was_suggested_and_decided(people: People) -> None:
    for user in ("a", "b", "c", "d"):
        people.tells(user, **({"email": "x@example.com"} if user in "bc" else {}))
    a, b, c, d = (people.id(user) for user in "abcd")
    suspecting.decide(people.database, b, d, "different", actor=WHO)
    merge = people.merge("a", "b")
    assert pairs(people) == {frozenset({a, c}): ["email"]}
    assert set(pairs(people, "different")) == {frozenset({a, d})}
    people.undo(merge)
    assert pairs(people) == {frozenset({b, c}): ["email"]}
    assert set(pairs(people, "different")) == {frozenset({b, d}), frozenset({a, b})}


def test_history_suggests_and_does_not_merge(people: People) -> None:
    from engine.flow.intake import Incoming

    people.does("~v", "Seen")
    people.does("ada", "Bought")
    told = Incoming(source="s", message_id="1", kind="alias", name="Customer Aliased",
                    user_id="ada", previous_id="~v")  # fmt: skip
    history.add_events(people.database, [told])
    assert people.id("~v") != people.id("ada")
    assert pairs(people) == {two(people, "~v", "ada"): ["alias"]}
