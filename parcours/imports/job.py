"""One file's way into the database: in portions, each of them stored before the next is read."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import orjson

from engine.flow.history import Profile, add_customers, add_events
from engine.flow.intake import Incoming, receive
from engine.flow.orders import add_past, put_orders
from engine.flow.products import put_products, put_stock
from engine.model.order import Order
from engine.model.product import Product, Stock
from engine.store.session import Database
from parcours.imports import checkpoint as checkpoints
from parcours.imports import customers, events, shop, unsubscribes
from parcours.imports.checkpoint import Checkpoint
from parcours.imports.events import Rejected
from parcours.imports.lines import Format, Place, Record, records
from parcours.imports.progress import progress

T = TypeVar("T")

AT_ONCE: Final = 5_000
"""Records in a portion."""

BYTES_AT_ONCE: Final = 8_000_000
"""Text in a portion, at most about this."""

_KEPT: Final = 20_000
"""How much of a rejected record is kept, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a file's records. `known` were stored before, or changed a known customer."""

    accepted: int
    known: int
    rejected: int
    rejects: Path | None


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    """What a file is about: `store` returns how many of the given ones are new."""

    what: str
    read: Callable[[Record], T]
    store: Callable[[list[T]], int]


def import_events(
    database: Database, file: Path, kind: Format, *, start_journeys: bool, resume: bool
) -> Report:
    """Bring in a file of events; they start journeys only when asked to."""
    now = datetime.now(UTC)

    def through_intake(some: list[Incoming]) -> int:
        receive(database, some)  # the dispatcher finds in the outbox what Temporal must be told
        return len(some)

    store = through_intake if start_journeys else partial(add_events, database)
    read = partial(events.event_of, kind=kind, now=now)
    return _run(file, kind, _Kind("events", read, store), events.check_columns, resume=resume)


def import_customers(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in a file of customers; what is known of one already is added to."""
    read = partial(customers.profile_of, kind=kind)
    about: _Kind[Profile] = _Kind("customers", read, partial(add_customers, database))
    return _run(file, kind, about, customers.check_columns, resume=resume)


def import_unsubscribes(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in what a former tool knew of who must not be written to."""
    read = unsubscribes.Reader(database)
    about = _Kind("unsubscribes", read, partial(unsubscribes.store, database))
    return _run(file, kind, about, unsubscribes.check_columns, resume=resume)


def import_products(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in products; one that is known is replaced."""
    read = partial(shop.product_of, kind=kind)
    about = _Kind("products", read, partial(put_products, database))
    return _run(file, kind, about, shop.columns_of("products", Product), resume=resume)


def import_stock(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in how much of which product is where."""
    read = partial(shop.stock_of, kind=kind)
    about = _Kind("stock", read, partial(put_stock, database))
    return _run(file, kind, about, shop.columns_of("stock", Stock), resume=resume)


def import_orders(
    database: Database, file: Path, kind: Format, *, start_journeys: bool, resume: bool
) -> Report:
    """Bring in orders, with their events; they start journeys only when asked to."""

    def through_intake(some: list[Order]) -> int:
        return put_orders(database, some).created

    store = through_intake if start_journeys else partial(add_past, database)
    about = _Kind("orders", shop.OrderReader(database, kind), store)
    return _run(file, kind, about, shop.columns_of("orders", Order), resume=resume)


def rejects_of(file: Path) -> Path:
    """Return where the rejected lines of a file go."""
    return file.with_name(f"{file.name}.rejected.jsonl")


def _run(
    file: Path,
    kind: Format,
    about: _Kind[T],
    check_columns: Callable[[list[str]], None],
    *,
    resume: bool,
) -> Report:
    at = (checkpoints.resume if resume else checkpoints.begin)(file, about.what)
    place = Place(offset=at.offset, line=at.line)
    rejects = _Rejects(file, at)
    with (
        file.open("rb") as opened,
        progress(f"Importing {about.what}", file.stat().st_size) as shown,
    ):
        for portion in _portions(records(opened, kind, place, check_columns)):
            good: list[T] = []
            refused: list[tuple[Record, str]] = []
            for record in portion:
                try:
                    good.append(about.read(record))
                except Rejected as error:
                    refused.append((record, str(error)))
            new = about.store(good) if good else 0
            at.accepted += len(good)
            at.known += len(good) - new
            at.rejected += len(refused)
            at.offset, at.line = portion[-1].end, portion[-1].last
            at.rejects_size = rejects.write(refused)
            checkpoints.keep(file, at)
            shown.reach(at.offset, f"{at.accepted:,} accepted, {at.rejected:,} rejected")
    checkpoints.place_of(file).unlink(missing_ok=True)
    return Report(
        accepted=at.accepted,
        known=at.known,
        rejected=at.rejected,
        rejects=rejects_of(file) if at.rejected else None,
    )


def _portions(some: Iterator[Record]) -> Iterator[list[Record]]:
    portion: list[Record] = []
    size = 0
    for record in some:
        portion.append(record)
        size += len(record.text)
        if len(portion) >= AT_ONCE or size >= BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


class _Rejects:
    """The file of rejected records, made with the first of them; only its owner may read it."""

    def __init__(self, file: Path, at: Checkpoint) -> None:
        """Begin anew, or where the interrupted import stood."""
        self._file = rejects_of(file)
        self._size = at.rejects_size
        if self._size:
            os.truncate(self._file, self._size)
        else:
            self._file.unlink(missing_ok=True)

    def write(self, refused: list[tuple[Record, str]]) -> int:
        """Add records with their reasons, and return the file's size."""
        if not refused:
            return self._size
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self._file, flags, 0o600), "ab") as out:
            for record, reason in refused:
                out.write(orjson.dumps(_line(record, reason), option=orjson.OPT_APPEND_NEWLINE))
        self._size = self._file.stat().st_size
        return self._size


def _line(record: Record, reason: str) -> dict[str, Any]:
    return {"line": record.line, "reason": reason, "text": record.text[:_KEPT]}
