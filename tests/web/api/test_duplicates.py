"""Duplicates, merges and their undoing, as programs ask for them."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.web.api.test_resources import Shop


@pytest.fixture
def shop(client: TestClient, admin: dict[str, str]) -> Shop:
    made = Shop(client, admin)
    for name in ("ada", "bob"):
        document: dict[str, Any] = {"traits": {"name": name, "phone": "+41790000000"}}
        assert made.put(f"/v1/customers/external_id:{name}", document).status_code == 201
    return made


def ids(shop: Shop) -> tuple[str, str]:
    one, other = (
        shop.get(f"/v1/customers/external_id:{name}").json()["id"] for name in ("ada", "bob")
    )
    return one, other


def test_two_are_merged_and_parted(shop: Shop) -> None:
    ada, bob = ids(shop)
    done = shop.post("/v1/customers/external_id:ada/merge", {"with": "external_id:bob"})
    assert (done.status_code, done.json()["customer"]) == (200, ada)
    for name in ("external_id:bob", bob, "phone:+41790000000"):
        assert shop.get(f"/v1/customers/{name}").json()["id"] == ada
        assert shop.get(f"/v1/customers/{name}/trace").status_code == 200
    (listed,) = shop.get("/v1/merges").json()["items"]
    assert (listed["id"], listed["kept"], listed["merged"]) == (done.json()["merge"], ada, bob)
    assert shop.post("/v1/customers/external_id:ada/merge", {"with": bob}).status_code == 409
    undone = shop.post(f"/v1/merges/{listed['id']}/undo")
    assert (undone.status_code, undone.json()) == (200, {"customer": bob})
    assert ids(shop) == (ada, bob)
    assert shop.post(f"/v1/merges/{listed['id']}/undo").status_code == 409
    assert shop.post(f"/v1/merges/{ada}/undo").status_code == 404


def test_pairs_are_listed_and_decided(shop: Shop) -> None:
    ada, bob = ids(shop)
    (pair,) = shop.get("/v1/duplicates").json()["items"]
    assert {pair["first"], pair["second"]} == {ada, bob}
    assert pair["reasons"] == ["phone"]
    assert shop.get("/v1/duplicates", reason="email").json()["items"] == []
    told = shop.put(f"/v1/duplicates/{ada}/{bob}", {"state": "different"})
    assert told.status_code == 204
    assert shop.get("/v1/duplicates").json()["items"] == []
    assert len(shop.get("/v1/duplicates", state="different").json()["items"]) == 1


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/v1/customers/external_id:ada/merge", {}),
        ("/v1/customers/external_id:ada/merge", {"with": 7}),
        ("/v1/customers/external_id:ada/merge", {"with": "external_id:bob", "keep": "bob"}),
    ],
)
def test_what_is_missing_is_named(shop: Shop, path: str, document: Any) -> None:
    answer = shop.post(path, document)
    assert answer.status_code == 422
    assert "`with`" in answer.json()["detail"]


def test_nobody_is_merged_with_nobody(shop: Shop) -> None:
    answer = shop.post("/v1/customers/external_id:ada/merge", {"with": "external_id:eve"})
    assert answer.status_code == 404
    ada, bob = ids(shop)
    assert shop.put(f"/v1/duplicates/{ada}/{bob}", {"state": "maybe"}).status_code == 422
