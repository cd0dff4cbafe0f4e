"""Pairs that may be one: shown, merged, told apart, undone, from the list and a customer's page."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from designer.app import create_app
from engine.flow.intake import Incoming, receive
from engine.settings import Settings
from engine.store import customers, merges
from engine.store.session import Database
from tests.web.people import log_in, somebody


@pytest.fixture
def database(shop_settings: Settings) -> Iterator[Database]:
    opened = Database(shop_settings.database_url)
    yield opened
    opened.close()


class Desk:
    """A steward who looks at two customers of her own."""

    def __init__(self, client: TestClient, database: Database, role: Any = "steward") -> None:
        self.client, self.database = client, database
        # Those that the shop came with would fill the first page.
        database.transact(lambda connection: connection.execute(text("DELETE FROM suggestion")))
        self.csrf = log_in(client, database, somebody(database, role))
        mark = uuid4().hex[:8]
        self.users = (f"anna-{mark}", f"ann-{mark}")
        self.phone = f"+4179{int(mark, 16) % 10_000_000:07d}"
        for user, name in zip(self.users, ("Anna", "Ann"), strict=True):
            traits = {"first_name": name, "last_name": mark, "phone": self.phone}
            self.does(user, "identify", traits=traits)

    def does(self, user: str, kind: Any = "track", **more: Any) -> None:
        given = {
            "source": "t",
            "message_id": uuid4().hex,
            "kind": kind,
            "name": "Customer Identified",
        }
        receive(self.database, [Incoming(**given, user_id=user, **more)])  # type: ignore[arg-type]

    def id(self, n: int) -> UUID:
        named = ("external_id", self.users[n])
        with self.database.read() as connection:
            return customers.identified(connection, [named])[named]

    def post(self, address: str, **data: Any) -> Any:
        return self.client.post(address, data={"csrf": self.csrf, **data})

    def page(self, address: str) -> str:
        answer = self.client.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        return re.sub(r"\s+", " ", answer.text)

    def merge_of(self, n: int) -> str:
        with self.database.read() as connection:
            (found,) = merges.merges(connection, customer=self.id(n)).items
        return str(found["id"])


@pytest.fixture
def client(shop_settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(shop_settings), follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def desk(client: TestClient, database: Database) -> Desk:
    return Desk(client, database)


def test_a_pair_is_shown_side_by_side_and_merged_and_parted(desk: Desk) -> None:
    page = desk.page("/duplicates")
    assert "the same phone number" in page
    assert f'value="{desk.id(0)} {desk.id(1)}"' in page
    a, b = desk.id(0), desk.id(1)
    done = desk.post("/duplicates/merge", pair=f"{a} {b}", back="/duplicates?state=open")
    assert done.status_code == 303
    assert (desk.id(0), desk.id(1)) == (a, a)
    told = desk.page(done.headers["location"])
    merge = desk.merge_of(0)
    assert f'action="/merges/{merge}/undo"' in told
    # Whoever is named by the one who has gone is led to the one who is kept.
    for name in (f"/customers/{b}", f"/customers/external_id:{desk.users[1]}"):
        assert desk.client.get(name).headers["location"] == f"/customers/{a}"
    her = desk.page(f"/customers/{a}")
    assert "Merged with 1 other customer" in her
    assert desk.users[1] in her
    assert desk.users[1].split("-")[1] in desk.page("/merges")
    undone = desk.post(f"/merges/{merge}/undo", back=f"/customers/{a}")
    assert undone.headers["location"] == f"/customers/{a}?said=undone"
    assert (desk.id(0), desk.id(1)) == (a, b)
    again = desk.post(f"/merges/{merge}/undo")
    assert again.status_code == 409
    assert "This merge has been undone already." in again.text
    assert f'value="{a} {b}"' not in desk.page("/duplicates")


def test_two_people_leave_the_list_for_good(desk: Desk) -> None:
    first, second = sorted((desk.id(0), desk.id(1)))
    given = {"first": str(first), "second": str(second), "back": "/duplicates?state=open"}
    later = desk.post("/duplicates/decide", decision="later", **given)
    assert "Put aside" in desk.page(later.headers["location"])
    assert f'value="{first} {second}"' in desk.page("/duplicates?state=later")
    desk.post("/duplicates/decide", decision="different", **given)
    for state in ("open", "later"):
        assert f'value="{first} {second}"' not in desk.page(f"/duplicates?state={state}")
    assert f'value="{first} {second}"' in desk.page("/duplicates?state=different")
    assert desk.post("/duplicates/decide", decision="maybe", **given).status_code == 422


def test_pairs_are_filtered_by_what_speaks_for_them(desk: Desk) -> None:
    pair = " ".join(map(str, sorted((desk.id(0), desk.id(1)))))
    assert f'value="{pair}"' in desk.page("/duplicates?reason=phone")
    assert f'value="{pair}"' not in desk.page("/duplicates?reason=email")


def test_another_is_searched_and_merged_from_a_customers_page(desk: Desk) -> None:
    a, b = desk.id(0), desk.id(1)
    her = desk.page(f"/customers/{a}")
    assert f'href="/customers/{a}/merge?other={b}"' in her
    found = desk.page(f"/customers/{a}/merge?q={desk.users[1]}")
    assert f"/customers/{a}/merge?q={desk.users[1]}&amp;other={b}" in found
    assert "Nobody else matches" in desk.page(f"/customers/{a}/merge?q=zzzzzz")
    compared = desk.page(f"/customers/{a}/merge?other={b}")
    assert f'value="{b} {a}"' in compared
    done = desk.post("/duplicates/merge", pair=f"{b} {a}", back=f"/customers/{a}")
    assert done.headers["location"] == f"/customers/{b}"
    assert "one customer already" in desk.page(f"/customers/{b}/merge?other={a}")
    twice = desk.post("/duplicates/merge", pair=f"{b} {a}", back=f"/customers/{a}")
    assert twice.status_code == 409
    assert "These two are one customer already." in twice.text


def test_whoever_may_only_read_sees_pairs_and_changes_none(
    client: TestClient, database: Database
) -> None:
    desk = Desk(client, database, "viewer")
    page = desk.page("/duplicates")
    assert "the same phone number" in page
    assert "/duplicates/merge" not in page
    assert "Merge with another" not in desk.page(f"/customers/{desk.id(0)}")
    assert desk.post("/duplicates/merge", pair=f"{desk.id(0)} {desk.id(1)}").status_code == 403


def test_an_answer_leads_to_no_other_place(desk: Desk) -> None:
    given = {"first": str(desk.id(0)), "second": str(desk.id(1)), "decision": "later"}
    answer = desk.post("/duplicates/decide", back="https://elsewhere.example/", **given)
    assert answer.headers["location"] == "/duplicates?said=later"
    assert desk.post("/duplicates/merge", pair="x", back="").status_code == 422
