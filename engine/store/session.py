"""Connections and transactions: synchronous, psycopg 3, on threads."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import orjson
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from engine.errors import Contended, Unavailable
from engine.run.links import Links

T = TypeVar("T")

_log = logging.getLogger(__name__)

_RETRIED: Final = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "23505",  # unique_violation: two transactions made the same customer or key
}
_ATTEMPTS: Final = 8
_BUSY: Final = "The database is too busy."


class RaceLost(Exception):
    """Another transaction made the same thing first: the whole transaction is tried again."""


def _dumps(value: object) -> str:
    return orjson.dumps(value, default=str).decode()


class Database:
    """A pool of connections to one PostgreSQL.

    `transact` is the one way to write: it commits, and tries again what lost a race. `links` make
    the addresses that stand in events, where the process knows its public address.
    """

    links: Links | None = None

    def __init__(self, url: str, *, pool_size: int = 8, application: str = "parcours") -> None:
        self.url = url
        self._engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=4,
            pool_timeout=20,
            pool_pre_ping=False,
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
            query_cache_size=2000,
            hide_parameters=True,  # they hold customers' data, and errors are logged
            connect_args={
                "application_name": application,
                "connect_timeout": 5,
                "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60000 "
                "-c statement_timeout=60000",
            },
        )

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; nothing done on it is kept."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except OperationalError as error:
            raise Unavailable(_silent(error)) from error
        except PoolExhausted:
            raise Contended(_BUSY) from None

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and return what it returns.

        A lost race (serialisation, deadlock, unique key) is tried again from the start, so
        `work` must keep nothing from an earlier attempt. Raises `Unavailable` when the
        database does not answer, in which case it is unknown whether an interrupted commit took
        effect, or when every race was lost.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except PoolExhausted:
                raise Contended(_BUSY) from None
            except RaceLost:
                if attempt == _ATTEMPTS:
                    raise Contended(_BUSY) from None
            except OperationalError as error:
                if _state(error) not in _RETRIED:
                    raise Unavailable(_silent(error)) from error
                if attempt == _ATTEMPTS:
                    raise Contended(_BUSY) from None
            except DBAPIError as error:
                if _state(error) not in _RETRIED or attempt == _ATTEMPTS:
                    raise
            time.sleep(random.uniform(0, 0.01) * 2**attempt)  # noqa: S311 - spreads retries
        raise AssertionError("unreachable")


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _silent(error: OperationalError) -> str:
    return f"The database does not answer: {str(error.orig).strip().splitlines()[0]}"
