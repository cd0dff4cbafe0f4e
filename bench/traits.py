"""What computed traits and scores cost: an event of one customer, everybody at once, the night.

The shop is that of `bench/segments.py`: a million customers, ten million events. It takes the ready
definitions, RFM among them, and one score. Measured are: an order of one customer without and with
them, the building of everything for everybody from their events, freezing the borders of RFM, and
putting everybody into its parts. CPU is that of this process and of PostgreSQL.

    python bench/traits.py [--customers 1000000] [--events 1000] [--in DIRECTORY] [--quick] [--json]
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from _stack import machine, report
from segments import Shop, measured, opened
from sqlalchemy import text

from engine.flow import computing, freezing
from engine.flow.definitions import put_score, put_trait
from engine.model.actor import COMMAND_LINE
from engine.model.ready_traits import ready_score, ready_traits
from engine.store import trait_builds
from engine.store.session import Database

RFM = ("recency_quintile", "frequency_quintile", "monetary_quintile", "rfm")


def measure(customers: int, events: int, kept: Path | None) -> dict[str, Any]:
    """Measure everything, one after the other."""
    figures: dict[str, Any] = {"machine": machine(), "customers": customers}
    with opened(customers, kept) as shop:
        database = shop.database
        shop.segments({})
        orders(shop, figures, "order_without", events)
        define(database)
        with measured(figures, "build_from_events"):
            everybody(database)
        with measured(figures, "rfm_freeze"):
            freezing.freeze_due(database)
        with measured(figures, "rfm_place_all"):
            everybody(database)
        with database.read() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM ANALYZE customer"))
        orders(shop, figures, "order_with", events)
        shop.do(text("UPDATE threshold SET frozen_at = now() - interval '2 days'"))
        with measured(figures, "rfm_freeze_again"):
            freezing.freeze_due(database)
        # Every border may have moved by what was bought meanwhile: everybody is looked at for all.
        database.transact(lambda connection: trait_builds.ask(connection, RFM))
        with measured(figures, "rfm_place_again"):
            everybody(database)
    return figures


def orders(shop: Shop, figures: dict[str, Any], name: str, n: int) -> None:
    """Have customers buy."""
    for k in range(n):  # once unmeasured, so that all of it is known of them
        shop.order(k)
    with measured(figures, name, n):
        for k in range(n):
            shop.order(k)


def define(database: Database) -> None:
    """Take the ready definitions."""
    for trait in ready_traits("CHF"):
        put_trait(database, trait, actor=COMMAND_LINE)
    put_score(database, ready_score(), actor=COMMAND_LINE)


def everybody(database: Database) -> None:
    """Compute for everybody what is to be computed."""
    while computing.carry_on(database, seconds=60.0):
        with database.read() as connection:
            left = {build.done for build in trait_builds.unfinished(connection).values()}
        print(f"  done: {sorted(left)}", file=sys.stderr)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--in", dest="kept", type=Path, help="where the shop is kept")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    customers, events = (10_000, 300) if given.quick else (given.customers, given.events)
    report(measure(customers, events, given.kept), as_json=given.json)


if __name__ == "__main__":
    main()
