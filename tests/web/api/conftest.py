"""The interface alone, on a database of its own; Temporal is a list of what it was told."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from designer.api import mount
from engine.names import Wake
from engine.run.links import Links
from engine.store import keys
from engine.store.migrate import upgrade
from engine.store.session import Database
from engine.store.tables import metadata

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient


class Told:
    """A gateway that remembers."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []
        self.up = True

    def tell_soon(self, wakes: list[Wake]) -> None:
        self.wakes += wakes

    async def healthy(self) -> bool:
        return self.up


@pytest.fixture(scope="session")
def shared_url(postgres_url: str) -> Iterator[str]:
    """A database for all these tests: emptying it is quicker than making another."""
    name = f"interface_{uuid4().hex}"
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        upgrade(url)
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(shared_url: str) -> Iterator[Database]:
    opened = Database(shared_url)
    opened.transact(_empty)
    yield opened
    opened.close()


def _empty(connection: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        if table.name not in {"workspace", "audit"}:  # the one stays, the other only grows
            connection.execute(table.delete())
    connection.execute(text("UPDATE workspace SET settings = '{}'"))


@pytest.fixture
def gateway() -> Told:
    return Told()


@pytest.fixture
def app(database: Database, gateway: Told) -> FastAPI:
    made = FastAPI(openapi_url=None)
    made.state.database = database
    made.state.gateway = gateway
    made.state.links = Links(base="https://shop.example", keys=("k" * 40,))
    mount(made)
    return made


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def key(database: Database) -> Callable[[str], str]:
    """Make a key of a role and return its secret."""
    return lambda role: database.transact(lambda c: keys.create(c, role)).secret


@pytest.fixture
def write_key(key: Callable[[str], str]) -> str:
    return key("source")


@pytest.fixture
def admin(key: Callable[[str], str]) -> dict[str, str]:
    """Headers of an administrator."""
    return {"Authorization": f"Bearer {key('administrator')}"}


@pytest.fixture
def send(client: TestClient, write_key: str) -> Callable[..., Any]:
    """Post a call to Segment's API."""
    return lambda path, document: client.post(path, json=document, auth=(write_key, ""))
