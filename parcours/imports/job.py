"""One file's way into the database: in portions, each of them stored before the next is read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from engine.flow.history import Profile, add_customers, add_events
from engine.flow.imports import customers, events, mentions, unsubscribes
from engine.flow.imports.lines import Format, Place, Record, records
from engine.flow.imports.portions import AT_ONCE, Rejects, portions, sort_out
from engine.flow.intake import Incoming, receive
from engine.flow.orders import add_past, put_orders
from engine.flow.products import put_products, put_stock
from engine.model.order import Order
from engine.model.product import Product, Stock
from engine.store.memberships import build_imported
from engine.store.session import Database
from parcours.imports import checkpoint as checkpoints
from parcours.imports import shop
from parcours.imports.progress import progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a file's records. `known` were stored before, or changed a known customer."""

    accepted: int
    known: int
    rejected: int
    rejects: Path | None


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    """What a file is about: `store` returns how many of the given ones are new.

    `mentions` tells what segments may depend on; without it they are followed one by one.
    """

    what: str
    read: Callable[[Record], T]
    store: Callable[[list[T]], int]
    mentions: Callable[[list[T]], set[str]] = lambda _: set()


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
    return _run(
        database,
        file,
        kind,
        _Kind("events", read, store, mentions.of_events),
        events.check_columns,
        resume=resume,
    )


def import_customers(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in a file of customers; what is known of one already is added to."""
    read = partial(customers.profile_of, kind=kind)
    about: _Kind[Profile] = _Kind(
        "customers", read, partial(add_customers, database), mentions.of_customers
    )
    return _run(database, file, kind, about, customers.check_columns, resume=resume)


def import_unsubscribes(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in what a former tool knew of who must not be written to."""
    read = unsubscribes.Reader(database)
    about = _Kind("unsubscribes", read, partial(unsubscribes.store, database))
    return _run(database, file, kind, about, unsubscribes.check_columns, resume=resume)


def import_products(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in products; one that is known is replaced."""
    read = partial(shop.product_of, kind=kind)
    about = _Kind("products", read, partial(put_products, database))
    return _run(database, file, kind, about, shop.columns_of("products", Product), resume=resume)


def import_stock(database: Database, file: Path, kind: Format, *, resume: bool) -> Report:
    """Bring in how much of which product is where."""
    read = partial(shop.stock_of, kind=kind)
    about = _Kind("stock", read, partial(put_stock, database))
    return _run(database, file, kind, about, shop.columns_of("stock", Stock), resume=resume)


def import_orders(
    database: Database, file: Path, kind: Format, *, start_journeys: bool, resume: bool
) -> Report:
    """Bring in orders, with their events; they start journeys only when asked to."""

    def through_intake(some: list[Order]) -> int:
        return put_orders(database, some).created

    store = through_intake if start_journeys else partial(add_past, database)
    about = _Kind("orders", shop.OrderReader(database, kind), store, shop.mentions)
    return _run(database, file, kind, about, shop.columns_of("orders", Order), resume=resume)


def rejects_of(file: Path) -> Path:
    """Return where the rejected lines of a file go."""
    return file.with_name(f"{file.name}.rejected.jsonl")


def _run(
    database: Database,
    file: Path,
    kind: Format,
    about: _Kind[T],
    check_columns: Callable[[list[str]], None],
    *,
    resume: bool,
) -> Report:
    at = (checkpoints.resume if resume else checkpoints.begin)(file, about.what)
    place = Place(offset=at.offset, line=at.line)
    rejects = Rejects(rejects_of(file), at.rejects_size)
    with (
        file.open("rb") as opened,
        progress(f"Importing {about.what}", file.stat().st_size) as shown,
    ):
        for portion in portions(records(opened, kind, place, check_columns), AT_ONCE):
            good, refused = sort_out(portion, about.read)
            new = about.store(good) if good else 0
            at.accepted += len(good)
            at.known += len(good) - new
            at.rejected += len(refused)
            at.mentions = sorted({*at.mentions, *about.mentions(good)})
            at.offset, at.line = portion[-1].end, portion[-1].last
            at.rejects_size = rejects.write(refused)
            checkpoints.keep(file, at)
            shown.reach(at.offset, f"{at.accepted:,} accepted, {at.rejected:,} rejected")
    if at.mentions:
        database.transact(lambda connection: build_imported(connection, at.mentions))
    checkpoints.place_of(file).unlink(missing_ok=True)
    return Report(
        accepted=at.accepted,
        known=at.known,
        rejected=at.rejected,
        rejects=rejects_of(file) if at.rejected else None,
    )
