"""Finding customers: by reference, and by what someone remembers of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from engine.errors import Conflict, NotFound
from engine.run.deriving import Derivation
from engine.store import definitions
from engine.store.paging import Page, limited, page, read_cursor

NAME_TRAITS: Final = ("name", "first_name", "last_name", "firstName", "lastName")

_SHOWN = """
    c.id, c.created_at, c.traits, c.derived, c.scored, clock_timestamp() AS clock, c.addresses, c.locale, c.time_zone,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('namespace', i.namespace, 'value', i.value)
                               ORDER BY i.namespace, i.value), '[]')
     FROM identity i WHERE i.customer_id = c.id) AS identities,
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
         'topic', s.topic, 'channel', s.channel, 'state', s.state, 'at', s.at
     ) ORDER BY s.topic, s.channel), '[]')
     FROM (SELECT DISTINCT ON (topic, channel) topic, channel, state, at FROM consent
           WHERE customer_id = c.id ORDER BY topic, channel, id DESC) s) AS subscriptions,
    (SELECT coalesce(jsonb_agg(to_jsonb(r) - 'id' - 'customer_id' ORDER BY r.id), '[]')
     FROM consent r WHERE r.customer_id = c.id) AS consents,
    (SELECT coalesce(jsonb_agg(m.segment_id ORDER BY m.segment_id), '[]')
     FROM membership m WHERE m.customer_id = c.id AND m.inside) AS segments
"""

_BY_IDENTITY = text(
    "SELECT coalesce(c.merged_into, c.id) FROM identity i JOIN customer c ON c.id = i.customer_id "
    "WHERE i.namespace = :namespace AND i.value = :value"
)
_BY_ID = text("SELECT coalesce(merged_into, id) FROM customer WHERE id = :id")
_BY_ADDRESS = {
    "email": text(
        "SELECT id FROM customer WHERE merged_into IS NULL "
        "AND lower(addresses ->> 'email') = lower(:value) LIMIT 2"
    ),
    "phone": text(
        "SELECT id FROM customer WHERE merged_into IS NULL "
        "AND addresses ->> 'phone' = :value LIMIT 2"
    ),
}
_ONE = text(f"SELECT {_SHOWN} FROM customer c WHERE c.id = :id")  # noqa: S608 - constants
_SOME = text(f"SELECT {_SHOWN} FROM customer c WHERE c.id = ANY(:ids)")  # noqa: S608 - constants


def find(connection: Connection, reference: str) -> UUID:
    """Return the internal id of the customer named by `reference`.

    That is `namespace:value` of one of her identities (`external_id:42`), `email:…` or
    `phone:…` of one of her addresses, or her internal id.
    """
    found = _find(connection, reference) if "\0" not in reference else None
    if found is None:
        raise NotFound(f"There is no customer {reference!r}.")
    return found


def _find(connection: Connection, reference: str) -> UUID | None:
    namespace, colon, value = reference.partition(":")
    if not colon:
        try:
            return connection.execute(_BY_ID, {"id": UUID(reference)}).scalar()
        except ValueError:
            return None
    given = {"namespace": namespace, "value": value}
    found: UUID | None = connection.execute(_BY_IDENTITY, given).scalar()
    if found is None and namespace in _BY_ADDRESS:
        ids = connection.execute(_BY_ADDRESS[namespace], {"value": value}).scalars().all()
        if len(ids) > 1:
            raise Conflict(
                f"Several customers share the {namespace} {value!r}: name her by external_id "
                "or by internal id."
            )
        found = ids[0] if ids else None
    return found


def customer(connection: Connection, customer_id: UUID) -> dict[str, Any]:
    """Return one customer's profile."""
    row = connection.execute(_ONE, {"id": customer_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no customer {str(customer_id)!r}.")
    return _item(row, definitions.for_reading(connection))


def some(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return these customers' profiles by their id."""
    rows = connection.execute(_SOME, {"ids": [*ids]})
    derivation = definitions.for_reading(connection)
    return {row.id: _item(row, derivation) for row in rows}


def customers(
    connection: Connection, query: str = "", *, limit: int = 50, cursor: str | None = None
) -> Page:
    """List customers, newest first: all of them, or those the query is a beginning of.

    It is looked for at the beginning of identities, email, phone and names, whatever its case.
    """
    limit = limited(limit)
    wheres = ["c.merged_into IS NULL"]
    given: dict[str, Any] = {"most": limit + 1}
    if query := query.strip().replace("\0", ""):
        wheres.append(MATCHES)
        given |= beginning(query)
    if cursor is not None:
        wheres.append("(c.created_at, c.id) < (:at, :after)")
        given["at"], given["after"] = read_cursor(cursor, datetime, UUID)
    rows = connection.execute(
        text(
            f"SELECT {_SHOWN} FROM customer c WHERE {' AND '.join(wheres)} "  # noqa: S608 - constants
            "ORDER BY c.created_at DESC, c.id DESC LIMIT :most"
        ),
        given,
    ).all()
    derivation = definitions.for_reading(connection)
    items = [_item(row, derivation) for row in rows]
    return page(rows, limit, items, "created_at", "id")


MATCHES: Final = """(
    c.addresses ->> 'email' ILIKE :prefix OR c.addresses ->> 'phone' ILIKE :digits
    OR EXISTS (SELECT FROM identity i WHERE i.customer_id = c.id AND i.value ILIKE :prefix)
    OR concat_ws(' ', coalesce(c.traits ->> 'first_name', c.traits ->> 'firstName'),
                 coalesce(c.traits ->> 'last_name', c.traits ->> 'lastName')) ILIKE :prefix
    OR {others}
)""".format(others=" OR ".join(f"c.traits ->> '{name}' ILIKE :prefix" for name in NAME_TRAITS))
"""Whether the customer `c` is one whom the values of `beginning` find."""


def beginning(query: str) -> dict[str, str]:
    """Return what `MATCHES` compares with."""
    return {"prefix": _escaped(query) + "%", "digits": _escaped(query.replace(" ", "")) + "%"}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _item(row: Row[Any], derivation: Derivation) -> dict[str, Any]:
    derived = derivation.fresh(row.derived, row.scored, row.clock)
    return {
        "id": str(row.id),
        "identities": row.identities,
        "traits": row.traits,
        "derived": derived,
        "scores": {id: value for id, value in derived.items() if id in derivation.scores},
        "addresses": row.addresses,
        "locale": row.locale,
        "time_zone": row.time_zone,
        "subscriptions": row.subscriptions,
        "consents": row.consents,
        "segments": row.segments,
        "created_at": row.created_at,
    }
