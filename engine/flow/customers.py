"""One customer's record, written whole: by the interface, by an import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select
from uuid_utils.compat import uuid7

from engine.errors import Conflict, InvalidInput, NotFound
from engine.flow.traits import mark_suppressed
from engine.flow.turn import Turn, finish
from engine.model.addresses import email_address, phone_number
from engine.model.clock import time_zones
from engine.model.identity import LONGEST, LONGEST_NAMESPACE
from engine.names import Wake
from engine.store import customers, search, suggestions, tables
from engine.store.session import Database, RaceLost


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRecord:
    """What is known of a customer from outside.

    `identities` are added to those she has; everything else replaces what was there. The traits
    `email` and `phone` set her addresses, unless `addresses` says otherwise.
    """

    traits: Mapping[str, Any] = field(default_factory=dict)
    addresses: Mapping[str, Any] = field(default_factory=dict)
    identities: tuple[tuple[str, str], ...] = ()
    locale: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """The customer's internal id, and whether she is new.

    `wakes` are runs of which Temporal has to be told: she may have entered or left segments.
    """

    id: UUID
    created: bool
    wakes: tuple[Wake, ...] = ()


def put_customer(database: Database, reference: str, record: CustomerRecord) -> Put:
    """Create or replace the customer named by `reference` (`external_id:42`, or internal id).

    One who does not exist is made under that reference, unless it is an internal id or an
    address: these name only customers who exist.
    """
    if record.time_zone is not None and record.time_zone not in time_zones():
        raise InvalidInput(f"{record.time_zone!r} is no time zone; write one like Europe/Paris.")
    for namespace, value in record.identities:
        check_identity(namespace, value)
    addresses = _addresses(record)

    def work(connection: Connection) -> Put:
        customer_id, created = _found_or_made(connection, reference)
        turn = Turn(database, connection, customers.lock(connection, [customer_id])[customer_id])
        if not created and search.find(connection, reference) != customer_id:
            raise RaceLost  # parted again, between the look and the lock
        for namespace, value in record.identities:
            _identify(connection, customer_id, namespace, value)
        turn.stamp()
        turn.change(
            traits=dict(record.traits),
            addresses=addresses,
            locale=record.locale,
            time_zone=record.time_zone,
        )
        mark_suppressed(connection, [turn])
        suggestions.suggest(connection, suggestions.sharing(connection, [turn.customer]))
        return Put(customer_id, created, tuple(finish([turn], turn.writes, connection)))

    return database.transact(work)


def _found_or_made(connection: Connection, reference: str) -> tuple[UUID, bool]:
    """Return the customer's id, and whether she was made."""
    try:
        customer_id = search.find(connection, reference)
    except NotFound:
        namespace, colon, value = reference.partition(":")
        if not colon or namespace in {"email", "phone"}:
            raise
        check_identity(namespace, value)
        customer_id = uuid7()
        connection.execute(insert(tables.customer).values(id=customer_id))
        connection.execute(
            insert(tables.identity).values(
                namespace=namespace, value=value, customer_id=customer_id
            )
        )
        return customer_id, True
    return customer_id, False


def _identify(connection: Connection, customer_id: UUID, namespace: str, value: str) -> None:
    ids = tables.identity.c
    owner = connection.execute(
        select(ids.customer_id).where(ids.namespace == namespace, ids.value == value)
    ).scalar()
    if owner is None:
        connection.execute(
            insert(tables.identity).values(
                namespace=namespace, value=value, customer_id=customer_id
            )
        )
    elif owner != customer_id:
        raise Conflict(f"The identity {namespace}:{value} is another customer's.")


def check_identity(namespace: str, value: str) -> None:
    """Refuse an identity that cannot be kept."""
    if not namespace or not value or len(namespace) > LONGEST_NAMESPACE or len(value) > LONGEST:
        raise InvalidInput(
            "An identity is written namespace:value, like external_id:42, with at most "
            f"{LONGEST} characters."
        )


def _addresses(record: CustomerRecord) -> dict[str, Any]:
    given = {
        key: record.traits[key] for key in ("email", "phone") if record.traits.get(key) is not None
    }
    given |= {key: value for key, value in record.addresses.items() if value is not None}
    addresses: dict[str, Any] = {}
    for key, value in given.items():
        match key:
            case "email":
                addresses[key] = email_address(value)
            case "phone":
                addresses[key] = phone_number(value)
            case "push":
                addresses[key] = _push(value)
            case _:
                raise InvalidInput(f"{key!r} is no kind of address: there are email, phone, push.")
    return addresses


def _push(value: Any) -> list[str]:
    tokens = [value] if isinstance(value, str) else value
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InvalidInput("`push` is a list of device tokens.")
    return tokens
