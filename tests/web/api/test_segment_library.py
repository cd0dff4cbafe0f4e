"""Segment's own client library, unchanged, against the interface behind a real server."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from segment.analytics.client import Client
from sqlalchemy import text

from engine.store.session import Database


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.mark.parametrize("packed", [False, True])
def test_every_call_of_the_library_arrives(
    address: str, write_key: str, database: Database, *, packed: bool
) -> None:
    failures: list[object] = []
    client = Client(
        write_key,
        host=address,
        gzip=packed,
        upload_interval=0.05,
        on_error=lambda error, _: failures.append(error),
    )
    client.identify("42", {"email": "ann@example.com", "firstName": "Ann"})
    for number in range(250):
        client.track("42", "Product Added", {"sku": f"A{number}", "price": 9.5})
    client.page("42", "Shop", "Home", {"path": "/"})
    client.screen("42", "Shop", "Home")
    client.group("42", "household-7", {"size": 4})
    client.alias("anonymous-1", "42")
    client.shutdown()
    assert failures == []
    with database.read() as connection:
        counted = dict(
            connection.execute(text("SELECT name, count(*) FROM event GROUP BY name")).all()
        )
        customers = connection.execute(text("SELECT traits, addresses FROM customer")).all()
    assert counted == {
        "Customer Identified": 1,
        "Product Added": 250,
        "Page Viewed": 1,
        "Screen Viewed": 1,
        "Group Joined": 1,
        "Customer Aliased": 1,
    }
    assert len(customers) == 1
    assert customers[0].traits["firstName"] == "Ann"
    assert customers[0].addresses == {"email": "ann@example.com"}


def test_the_library_is_told_of_a_wrong_key(address: str) -> None:
    failures: list[object] = []
    client = Client(
        "pk_wrong",
        host=address,
        upload_interval=0.05,
        on_error=lambda error, _: failures.append(error),
    )
    client.track("42", "Product Added")
    client.shutdown()
    assert len(failures) == 1
    assert "401" in str(failures[0])
