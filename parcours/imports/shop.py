"""A record of a file as a product, an order, or how much of a product is in a shop."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import orjson

from designer.api.reading import check_storable, validated
from engine.compile.mentions import of_event
from engine.errors import InvalidDocument, InvalidInput, Malformed, NotFound, ParcoursError
from engine.flow.customers import check_identity
from engine.flow.imports.lines import Format, Record
from engine.flow.imports.portions import Rejected
from engine.flow.imports.values import value_of
from engine.model.base import Frozen
from engine.model.order import Order
from engine.model.product import Product, Stock
from engine.run.orders import CANCELLED, COMPLETED
from engine.store import search
from engine.store.session import Database

M = TypeVar("M", bound=Frozen)

DATA: Final = "data."
"""How the columns of what else is known begin."""

_LISTS: Final = frozenset({"lines", "payments"})
_TRUTHS: Final = frozenset({"active"})
_PARTED: Final = "|"

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "products": ("sku", "name"),
    "stock": ("sku", "shop", "quantity"),
    "orders": ("id", "customer", "total", "placed_at"),
}


def columns_of(what: str, model: type[Frozen]) -> Callable[[list[str]], None]:
    """Return what refuses a table whose first line cannot be one of these."""
    known = [name for name in model.model_fields if name != "data"]

    def check(names: list[str]) -> None:
        wrong = [name for name in names if name not in known and not name.startswith(DATA)]
        if wrong:
            raise InvalidInput(
                f"The first line names columns that {what} have not: {', '.join(wrong)}. They have "
                f"{', '.join(known)}, and {DATA}NAME for whatever else is known."
            )
        missing = [name for name in _NEEDED[what] if name not in names]
        if missing:
            raise InvalidInput(f"The first line must name the columns {', '.join(missing)}.")

    return check


def product_of(record: Record, kind: Format) -> Product:
    """Return the product that a record writes; raise `Rejected` when it writes none."""
    return _read(Product, record, kind)


def stock_of(record: Record, kind: Format) -> Stock:
    """Return how much of a product is where; raise `Rejected` when the record does not say it."""
    return _read(Stock, record, kind)


def mentions(some: Iterable[Order]) -> set[str]:
    """Return what segments may depend on of what these orders tell."""
    return {of_event(CANCELLED if one.state == "cancelled" else COMPLETED) for one in some}


class OrderReader:
    """Reads records as orders, knowing the shop's customers."""

    def __init__(self, database: Database, kind: Format) -> None:
        self._database = database
        self._kind = kind

    def __call__(self, record: Record) -> Order:
        """Return the order that a record writes; raise `Rejected` when it writes none."""
        order = _read(Order, record, self._kind)
        self._check(order.customer)
        return order

    def _check(self, reference: str) -> None:
        """Refuse a customer who has to be there, and is not; one of the shop's ids is made."""
        namespace, colon, value = reference.partition(":")
        try:
            if colon and namespace not in {"email", "phone"}:
                check_identity(namespace, value)
                return
            with self._database.read() as connection:
                search.find(connection, reference)
        except NotFound:
            raise Rejected(
                f"customer: there is no customer {reference!r}; name her by the shop's own id, "
                "like external_id:42"
            ) from None
        except ParcoursError as error:
            raise Rejected(f"customer: {str(error).removesuffix('.')}") from None


def _read(model: type[M], record: Record, kind: Format) -> M:
    if record.fault is not None:
        raise Rejected(record.fault)
    document = dict(record.data) if kind == "jsonl" else _document(record.data)
    try:
        check_storable(document)
        return validated(model, document, "line")
    except InvalidDocument as error:
        raise Rejected("; ".join(problem.message for problem in error.problems)) from None
    except Malformed as error:
        raise Rejected(str(error).removesuffix(".")) from None


def _document(row: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, text in row.items():
        if not text:
            continue
        if name.startswith(DATA):
            data[name.removeprefix(DATA)] = value_of(text)
        elif name == "categories":
            document[name] = [part.strip() for part in text.split(_PARTED) if part.strip()]
        elif name in _LISTS:
            document[name] = _json(name, text)
        elif name in _TRUTHS:
            document[name] = value_of(text)
        else:
            document[name] = text
    return {**document, "data": data} if data else document


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Rejected(f"{name}: a list in JSON is needed: {error}") from None
