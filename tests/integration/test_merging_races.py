"""Customers who write under several names while they are merged and parted."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from engine.errors import Conflict, Contended
from engine.flow.merging import merge, undo
from engine.store.session import Database
from tests.integration.people import MESSAGE, REST, WHO, People


@pytest.fixture
def people(database_url: str) -> Iterator[People]:
    database = Database(database_url, pool_size=12)
    yield People(database)
    database.close()


def at_once(*works: Callable[[], None]) -> None:
    """Do things in threads of their own, and raise what went wrong in one."""
    wrong: list[BaseException] = []

    def careful(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            wrong.append(error)

    threads = [threading.Thread(target=careful, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if wrong:
        raise wrong[0]


def patiently(work: Callable[[], Any]) -> Any:
    """Do something again that lost every race, as whoever asked for it would."""
    while True:
        try:
            return work()
        except Contended:
            continue


def test_nothing_is_lost_while_two_are_merged_and_parted(people: People) -> None:
    people.journey("j", MESSAGE, REST)
    users = ["ada", "~visit"]
    for user in users:
        people.tells(user, email=f"{user[-3:]}@example.com")
    a, b = people.id("ada"), people.id("~visit")
    over = threading.Event()
    done = Counter[str]()

    def write(user: str, seed: int) -> Callable[[], None]:
        def work() -> None:
            rng = Random(seed)
            for n in range(40):
                name = rng.choice(["j Go", "Bark", "Order Completed"])
                patiently(lambda name=name, n=n: people.does(user, name, properties={"n": n % 5}))
                done[user] += 1

        return work

    def change() -> None:
        rng = Random(1)
        while not over.is_set():
            kept, merged = rng.sample([a, b], 2)
            id = patiently(lambda kept=kept, merged=merged: merge(
                people.database, kept, merged, actor=WHO))[0].id  # fmt: skip
            over.wait(rng.random() / 20)
            patiently(lambda id=id: undo(people.database, id, actor=WHO))

    changing = threading.Thread(target=change)
    changing.start()
    try:
        at_once(*(write(user, seed) for seed, user in enumerate(users * 2)))
    finally:
        over.set()
        changing.join(60)
    assert not changing.is_alive()
    assert people.read("SELECT count(*) AS n FROM merge WHERE undone_at IS NULL") == [{"n": 0}]
    assert people.one("SELECT count(*) AS n FROM merge")["n"] > 2
    for user in users:
        rows = people.read(
            "SELECT seq, received_at, origin_customer FROM event WHERE customer_id = :id "
            "ORDER BY seq",
            id=people.id(user),
        )
        assert len(rows) == 1 + done[user] == 81
        assert len({row["seq"] for row in rows}) == len(rows)
        instants = [row["received_at"] for row in rows]
        assert instants == sorted(set(instants))
        assert {row["origin_customer"] for row in rows} == {None}
    astray = people.read(
        "SELECT r.id FROM run r LEFT JOIN message m ON m.run_id = r.id "
        "WHERE m.customer_id <> r.customer_id OR r.state ->> 'customer' <> r.customer_id::text"
    )
    assert astray == []


def test_merges_that_cross_end_in_one_customer(people: People) -> None:
    users = ["a", "b", "c", "d"]
    for turn in range(5):
        names = [f"{user}{turn}" for user in users]
        for name in names:
            people.does(name, "x")
        ids = [people.id(name) for name in names]

        def join(kept: int, merged: int, ids: list[Any] = ids) -> None:
            with contextlib.suppress(Conflict):  # another way has made them one
                patiently(lambda: merge(people.database, ids[kept], ids[merged], actor=WHO))

        at_once(*(
            lambda pair=pair: join(*pair) for pair in [(1, 0), (2, 1), (0, 2), (3, 0), (1, 3)]
        ))  # fmt: skip
        standing = people.read("SELECT id, merged_into FROM customer WHERE id = ANY(:i)", i=ids)
        kept = {row["id"] for row in standing if row["merged_into"] is None}
        assert len(kept) == 1
        assert {row["merged_into"] for row in standing if row["merged_into"]} == kept
        count = people.one("SELECT count(*) AS n FROM event WHERE customer_id = ANY(:i)", i=[*kept])
        assert count["n"] == 4


def test_who_waits_for_one_who_is_parted_goes_to_the_right_one(people: People) -> None:
    """An event that came by a name is its owner's, whenever the parting happened."""
    people.does("a", "x")
    people.does("b", "x")
    for _ in range(8):
        id = people.merge("a", "b")
        both = threading.Barrier(2, timeout=10)

        def part(id: Any = id, both: threading.Barrier = both) -> None:
            both.wait()
            people.undo(id)

        def write(both: threading.Barrier = both) -> None:
            both.wait()
            patiently(lambda: people.does("b", "Bark"))

        at_once(part, write)
    rows = people.read("SELECT name FROM event WHERE customer_id = :id", id=people.id("b"))
    assert [row["name"] for row in rows].count("Bark") == 8
