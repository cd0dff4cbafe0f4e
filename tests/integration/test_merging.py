"""Two customers become one, and two again: nothing is lost, and everything goes on."""

import warnings
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from engine.errors import Conflict, NotFound
from engine.flow.advance import advance
from engine.flow.claim import Claimed
from engine.flow.merging import merge, undo
from engine.model.cap import Cap
from engine.names import Command
from engine.store import documents, merges, search, tables
from engine.store.session import Database
from tests.integration.people import BOUGHT, MESSAGE, REST, SPLIT, WHO, People, everything


@pytest.fixture
def people(database_url: str) -> Iterator[People]:
    database = Database(database_url)
    yield People(database)
    database.close()


def trait(people: People, user: str, name: str) -> Any:
    return people.customer(user)["traits"].get(name)


def names_of(people: People, user: str) -> list[str]:
    """Return what a customer did, in her order, which has to be that of the instants."""
    rows = people.read(
        "SELECT name, seq, received_at FROM event WHERE customer_id = :id ORDER BY seq",
        id=people.id(user),
    )
    assert [row["received_at"] for row in rows] == sorted(row["received_at"] for row in rows)
    assert len({row["seq"] for row in rows}) == len(rows)
    return [row["name"] for row in rows]


def test_what_both_did_is_in_one_order(people: People) -> None:
    for user, name in (("a", "one"), ("b", "two"), ("b", "three"), ("a", "four"), ("b", "five")):
        people.does(user, name)
    people.merge("a", "b")
    assert people.id("a") == people.id("b")
    people.does("b", "six")
    assert names_of(people, "a") == ["one", "two", "three", "four", "five", "six"]


def test_the_kept_ones_traits_win_and_missing_ones_are_taken_over(people: People) -> None:
    people.tells("a", tier="gold", email="a@example.com")
    people.does("a", "x", device_token="t1", locale="fr")
    people.tells("b", tier="silver", size="m", email="b@example.com", phone="+41790000000")
    people.does("b", "x", device_token="t2", locale="de", time_zone="Europe/Paris")
    people.merge("a", "b")
    row = people.customer("a")
    assert (row["traits"]["tier"], row["traits"]["size"]) == ("gold", "m")
    assert row["addresses"] == {
        "email": "a@example.com", "phone": "+41790000000", "push": ["t2", "t1"],
    }  # fmt: skip
    assert (row["locale"], row["time_zone"]) == ("fr", "Europe/Paris")


def test_of_what_both_said_the_stricter_holds_and_the_record_keeps_both(people: People) -> None:
    people.does("a", "x")
    people.does("b", "x")
    people.says("a", "offers", "subscribed")
    people.says("a", "news", "subscribed")
    people.says("b", "offers", "unsubscribed")
    people.says("b", "*", "unsubscribed")
    merge = people.merge("a", "b")
    consent = people.customer("a")["consent"]
    said = {topic: channels["email"] for topic, channels in consent.items()}
    assert said == {"offers": "unsubscribed", "news": "unsubscribed", "*": "unsubscribed"}
    rows = people.read(
        "SELECT topic, state, how FROM consent WHERE customer_id = :id ORDER BY id",
        id=people.id("a"),
    )
    assert {(row["topic"], row["state"]) for row in rows if row["how"] == "page"} == {
        ("offers", "subscribed"), ("news", "subscribed"), ("offers", "unsubscribed"),
        ("*", "unsubscribed"),
    }  # fmt: skip
    with people.database.read() as connection:
        shown = search.customer(connection, people.id("a"))["subscriptions"]
    assert {one["topic"]: one["state"] for one in shown} == said
    people.undo(merge)
    assert people.customer("a")["consent"] == {
        "offers": {"email": "subscribed"}, "news": {"email": "subscribed"},
    }  # fmt: skip
    assert people.customer("b")["consent"]["offers"] == {"email": "unsubscribed"}


def test_what_was_declined_while_they_were_one_holds_for_both(people: People) -> None:
    people.does("a", "x")
    people.does("b", "x")
    people.says("b", "offers", "subscribed")
    merge = people.merge("a", "b")
    people.says("a", "offers", "unsubscribed")
    people.undo(merge)
    for user in "ab":
        assert people.customer(user)["consent"] == {"offers": {"email": "unsubscribed"}}
        with people.database.read() as connection:
            shown = search.customer(connection, people.id(user))["subscriptions"]
        assert [one["state"] for one in shown] == ["unsubscribed"]


def test_an_address_that_must_not_be_written_to_comes_along(people: People) -> None:
    from engine.flow.consent import suppress

    people.does("a", "x")
    people.tells("b", email="b@example.com")
    suppress(people.database, "email", "b@example.com", "bounced")
    people.merge("a", "b")
    assert people.customer("a")["suppressed"]["email"]["reason"] == "bounced"


def test_caps_count_what_was_claimed_for_either(people: People) -> None:
    rule = {"id": "one", "name": "one", "limit": 1, "per": "7d"}
    people.put(lambda c: documents.put_cap(c, Cap.model_validate(rule)))
    people.journey("j", MESSAGE, REST)
    for user in "ab":
        people.tells(user, email=f"{user}@example.com")
        people.does(user, "j Go", properties={"n": user})
    first, second = people.read("SELECT id FROM run ORDER BY entry_key")
    assert isinstance(people.claim(second["id"]), Claimed)
    people.merge("a", "b")
    assert not isinstance(people.claim(first["id"]), Claimed)
    row = people.one("SELECT state, rule FROM message WHERE run_id = :run", run=first["id"])
    assert row["rule"] == "one"


def since_the_mail(people: People, *, before: bool) -> str | None:
    """Merge one who has ordered into one who got a mail; return whether her run took it."""
    people.journey("j", MESSAGE, REST | {"id": "short", "for": "1m"}, BOUGHT)
    people.tells("a", email="a@example.com")
    people.does("b", "x")
    if before:
        people.does("b", "Order Completed")
    people.does("a", "j Go", properties={"n": "1"})
    run = people.one("SELECT id FROM run")["id"]
    people.record(run, people.claim(run))
    if not before:
        people.does("b", "Order Completed")
    people.merge("a", "b")
    row = people.one("SELECT revision FROM run")
    advance(people.database, run, row["revision"], "time_reached")
    last = people.read("SELECT what FROM run_trace WHERE run_id = :run ORDER BY n DESC", run=run)
    return next(row["what"] for row in last if row["what"] in {"waits", "received"})


def test_what_the_other_did_before_a_step_is_not_after_it(people: People) -> None:
    assert since_the_mail(people, before=True) == "waits"


def test_what_the_other_did_after_a_step_is_after_it(people: People) -> None:
    assert since_the_mail(people, before=False) == "received"


def twins(people: People) -> tuple[Any, Any]:
    people.journey("j", MESSAGE, REST)
    for user in "ba":
        people.tells(user, email="shared@example.com")
        people.does(user, "j Go", properties={"n": "1"})
    older, newer = people.read("SELECT * FROM run ORDER BY entered_at")
    return older["id"], newer["id"]


def test_of_two_runs_for_one_entry_the_older_goes_on(people: People) -> None:
    older, newer = twins(people)
    merge(people.database, people.id("a"), people.id("b"), actor=WHO)
    rows = {row["id"]: row for row in people.read("SELECT * FROM run")}
    assert rows[older]["ended_at"] is None
    assert rows[newer]["end_reason"] == "merged"
    people.does("a", "Order Completed", properties={"total": 5})
    rows = {row["id"]: row for row in people.read("SELECT * FROM run")}
    assert (rows[older]["goal_revenue"], rows[newer]["goal_at"]) == (5, None)
    (told,) = people.read("SELECT * FROM wake WHERE run_id = :run", run=newer)
    assert told["revision"] == rows[newer]["revision"]


def test_a_twin_whose_message_is_with_a_provider_ends_after_that(people: People) -> None:
    _older, newer = twins(people)
    claimed = people.claim(newer)
    assert isinstance(claimed, Claimed)
    merge = people.merge("a", "b")
    row = people.one("SELECT * FROM run WHERE id = :run", run=newer)
    assert (row["ended_at"], row["customer_id"]) == (None, people.id("a"))
    people.does("b", "x")
    assert people.record(newer, claimed).command == Command("exit")
    row = people.one("SELECT * FROM run WHERE id = :run", run=newer)
    assert row["end_reason"] == "merged"
    assert people.one("SELECT state FROM message WHERE run_id = :run", run=newer)["state"] == "sent"
    people.undo(merge)
    assert people.one("SELECT * FROM run WHERE id = :run", run=newer)["end_reason"] == "merged"


def test_a_claim_is_settled_whatever_was_merged_and_parted(people: People) -> None:
    people.journey("j", MESSAGE, REST)
    people.does("a", "x")
    people.tells("b", email="b@example.com")
    people.does("b", "j Go", properties={"n": "1"})
    run = people.one("SELECT id FROM run")["id"]
    claimed = people.claim(run)
    merge = people.merge("a", "b")
    people.does("a", "Order Completed", properties={"total": 3})  # waits for the claim
    people.does("b", "Order Completed", properties={"total": 4})
    people.undo(merge)
    assert people.record(run, claimed).command.kind == "wait"
    row = people.one("SELECT * FROM run")
    assert (row["customer_id"], row["goal_revenue"]) == (people.id("b"), 4)
    assert people.one("SELECT customer_id FROM message")["customer_id"] == people.id("b")


def test_different_arms_take_her_out_of_what_compares_them(people: People) -> None:
    people.journey("j", SPLIT, MESSAGE, REST)
    people.journey("k", MESSAGE, REST)
    users = [f"u{n}" for n in range(12)]
    arms: dict[str, str] = {}
    for user in users:
        for journey in "jk":
            people.does(user, f"{journey} Go", properties={"n": "1"})
        row = people.one(
            "SELECT state -> 'arms' ->> 'split' AS arm FROM run "
            "WHERE journey_id = 'j' AND customer_id = :id",
            id=people.id(user),
        )
        arms[user] = row["arm"]
    a = next(user for user in users if arms[user] == "a")
    b = next(user for user in users if arms[user] == "b")
    same = next(user for user in users if user != a and arms[user] == "a")
    mixed = "SELECT journey_id FROM run WHERE mixed ORDER BY journey_id"
    people.merge(a, same)
    assert people.read(mixed) == []
    merge = people.merge(a, b)
    assert [row["journey_id"] for row in people.read(mixed)] == ["j", "j", "j"]
    people.undo(merge)
    assert people.read(mixed) == []


def test_who_was_in_a_segment_does_not_enter_it_and_all_are_looked_at_anew(people: People) -> None:
    people.segment("gold", {"trait": "tier", "eq": "gold"})
    people.segment("regular", {"event": "Order Completed", "count": {"gte": 2}})
    people.does("a", "Order Completed")
    people.tells("b", tier="gold")
    people.does("b", "Order Completed")
    inside = "SELECT customer_id, segment_id FROM membership WHERE inside ORDER BY segment_id"
    assert [row["customer_id"] for row in people.read(inside)] == [people.id("b")]
    a, b, merge = people.id("a"), people.id("b"), people.merge("a", "b")
    assert [(row["customer_id"], row["segment_id"]) for row in people.read(inside)] == [
        (a, "gold"), (a, "regular"),
    ]  # fmt: skip
    told = [name for name in names_of(people, "a") if name.startswith("Segment")]
    assert told == ["Segment Entered", "Segment Entered"]  # b's own, and by being merged
    people.undo(merge)
    rows = people.read(inside)
    assert [(row["customer_id"], row["segment_id"]) for row in rows] == [(b, "gold")]
    assert names_of(people, "a")[-1] == "Segment Left"


@pytest.mark.parametrize("seed", range(6))
def test_to_merge_and_to_undo_it_gives_back_what_was(people: People, seed: int) -> None:
    rng = Random(seed)
    people.journey("j", MESSAGE, SPLIT, BOUGHT, REST)
    people.journey("k", REST, MESSAGE, entry={"on": {"event": "k Go"}})
    people.segment("gold", {"trait": "tier", "eq": "a"})
    users = ["ada", "~visit", "eve"]
    for user in users:
        people.does(user, "Seen")
    for _ in range(3):
        people.live(rng, users, 12)
        before = people.put(everything)
        ended = {row["id"] for row in people.read("SELECT id FROM run WHERE ended_at IS NULL")}
        done = [people.merge(*rng.sample(users[:2], 2))]
        if rng.random() < 0.5:
            done.append(people.merge(*rng.sample([users[0], users[2]], 2)))
        with_names = {user: names_of(people, user) for user in users}
        assert any(len(names) > 4 for names in with_names.values())
        for id in reversed(done):
            people.undo(id)
        after = people.put(everything)
        twins = {
            row["id"]
            for row in people.read("SELECT id FROM run WHERE end_reason = 'merged'")
            if row["id"] in ended
        }
        for table in before:
            assert without(after[table], twins) == without(before[table], twins), table


def without(rows: list[Any], runs: set[Any]) -> list[Any]:
    """Leave out what belongs to runs that a merge has ended: those stay ended."""
    return (
        [
            {
                key: value
                for key, value in row.items()
                if key not in {"seq", "decided_seq", "claim_seq"}
            }
            for row in rows
            if not ({row.get("run_id"), row.get("id")} & runs) and "message_id" not in row
        ]
        if runs
        else rows
    )


def test_what_came_by_the_others_names_goes_with_her(people: People) -> None:
    people.journey("j", MESSAGE, REST)
    people.tells("a", tier="gold")
    people.tells("~b", size="s")
    merge = people.merge("a", "~b")
    people.does("~b", "Bark")
    people.does("a", "Meow")
    people.tells("~b", size="m", color="red")
    people.tells("a", tier="silver")
    people.does("~b", "j Go", properties={"n": "1"})
    people.does("~b", "New number", user_id="bob")  # a's, who has one: it is not bob's
    people.undo(merge)
    assert names_of(people, "~b") == [
        "Customer Identified", "Bark", "Customer Identified", "j Go",
    ]  # fmt: skip
    assert names_of(people, "a") == ["Customer Identified", "Meow", "Customer Identified"]
    assert (trait(people, "a", "tier"), trait(people, "a", "color")) == ("silver", None)
    assert (trait(people, "~b", "size"), trait(people, "~b", "color")) == ("m", "red")
    assert trait(people, "a", "size") is None
    for table in ("run", "message", "run_trace", "message_transition"):
        owners = {row["customer_id"] for row in people.read(f"SELECT * FROM {table}")}  # noqa: S608
        assert owners == {people.id("~b")}, table
    people.does("~b", "Order Completed", properties={"total": 9})
    assert people.one("SELECT goal_revenue FROM run")["goal_revenue"] == 9


def test_orders_and_interests_move_and_go_back_with_what_was_ordered_since(people: People) -> None:
    def order(user: str, id: str) -> None:
        people.does(user, "Order Completed", properties={"order_id": id, "total": 5})

    people.does("a", "x")
    order("b", "before")
    people.does("b", "Product Viewed", properties={"sku": "shoe", "product_id": "shoe"})
    a, b, merge = people.id("a"), people.id("b"), people.merge("a", "b")
    order("b", "since")
    order("a", "own")
    rows = people.read("SELECT customer_id, id FROM purchase ORDER BY id")
    assert [(row["customer_id"], row["id"]) for row in rows] == [
        (a, "before"), (a, "own"), (a, "since"),
    ]  # fmt: skip
    interested = "SELECT customer_id FROM product_interest"
    assert [row["customer_id"] for row in people.read(interested)] == [a]
    people.undo(merge)
    rows = people.read("SELECT customer_id, id FROM purchase ORDER BY id")
    assert [(row["customer_id"], row["id"]) for row in rows] == [
        (b, "before"), (a, "own"), (b, "since"),
    ]  # fmt: skip
    assert b in {row["customer_id"] for row in people.read(interested)}


def test_a_chain_leads_to_the_one_who_is_kept(people: People) -> None:
    for user in "abc":
        people.does(user, user)
    a, b, c = (people.id(user) for user in "abc")
    first = people.merge("b", "a")
    second = people.merge("c", "b")
    merged = {row["id"]: row["merged_into"] for row in people.read("SELECT * FROM customer")}
    assert merged == {a: c, b: c, c: None}
    with pytest.raises(Conflict, match="undo that merge first"):
        people.undo(first)
    people.undo(second)
    merged = {row["id"]: row["merged_into"] for row in people.read("SELECT * FROM customer")}
    assert merged == {a: b, b: None, c: None}
    assert (names_of(people, "a"), names_of(people, "c")) == (["a", "b"], ["c"])
    people.undo(first)
    assert (names_of(people, "a"), names_of(people, "b")) == (["a"], ["b"])


def test_an_earlier_merge_is_undone_before_a_later_one(people: People) -> None:
    for user in "abc":
        people.tells(user, **{user: True})
    first = people.merge("a", "b")
    second = people.merge("a", "c")
    people.undo(first)
    assert people.customer("a")["traits"] == {"a": True, "c": True}
    assert people.customer("b")["traits"] == {"b": True}
    people.undo(second)
    assert people.customer("a")["traits"] == {"a": True}
    assert people.customer("c")["traits"] == {"c": True}


def test_one_who_was_merged_stands_for_the_kept_one(people: People) -> None:
    people.does("a", "x")
    people.does("b", "x")
    a, b = people.id("a"), people.id("b")
    merge(people.database, a, b, actor=WHO)
    with pytest.raises(Conflict, match="one customer already"):
        merge(people.database, b, a, actor=WHO)
    with people.database.read() as connection:
        assert search.find(connection, str(b)) == a
        assert search.find(connection, "external_id:b") == a
        (listed,) = merges.merges(connection, customer=a).items
    assert (listed["kept"], listed["merged"], listed["undoable"]) == (str(a), str(b), True)


def test_a_merge_is_undone_once(people: People) -> None:
    people.does("a", "x")
    people.does("b", "x")
    id = people.merge("a", "b")
    people.undo(id)
    with pytest.raises(Conflict, match="already"):
        people.undo(id)
    with pytest.raises(NotFound):
        undo(people.database, people.id("a"), actor=WHO)
    rows = people.read("SELECT action, kind, thing_id FROM audit WHERE kind = 'customer'")
    assert [row["action"] for row in rows] == ["merge", "undo merge"]


def test_the_tables_are_as_the_migrations_make_them(database_url: str) -> None:
    ours = {"merge", "suggestion", "duplicate_pass", "customer", "identity", "event", "consent"}
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # classes of operators are not compared
            found = compare_metadata(context, tables.metadata)
        indexed = connection.execute(
            text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_customer_name'")
        ).scalar_one()
    engine.dispose()
    assert [one for one in found if str(getattr(one[1], "name", "")) in ours] == []
    assert "lower(COALESCE((traits ->> 'name'" in indexed
