"""What segments cost: many customers at once, one event, and what time alone changes.

A shop with a million customers and ten million events. Measured are: three segments by what
customers did, built for everybody; an event of one customer while fifty segments are live, whether it
concerns fifteen of them, all of them, or there is none; and a sweep of customers whose time has come.
CPU is that of this process and of PostgreSQL.

    python bench/segments.py [--customers 1000000] [--events 1000] [--due 10000] [--in DIRECTORY]
                             [--quick] [--json]

Filling the shop takes minutes: `--in` names a directory where it is kept for the next time.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from _stack import cpu_by_process, machine, report, spent
from sqlalchemy import Connection, text

from engine.flow import building, memberships
from engine.flow.intake import Incoming, receive
from engine.flow.materials import put_segment
from engine.flow.turn import Writes
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.run.changing import turn as stands
from engine.store.migrate import upgrade
from engine.store.session import Database
from parcours.embedded.postgres import Postgres

ORDER = {"event": "Order Completed"}
BULK: dict[str, dict[str, Any]] = {
    "loyal": {**ORDER, "count": {"gte": 5}, "within": "1y"},
    "dormant": {"all": [ORDER, {"not": {**ORDER, "within": "90d"}}]},
    "looked": {
        "all": [
            {"event": "Product Viewed", "where": {"property": "category", "eq": "shoes"},
             "within": "2d"},
            {"not": {**ORDER, "within": "2d"}},
        ]
    },
}  # fmt: skip

# In the order of their ids, as ids are given out: otherwise filling takes ten times as long.
_CUSTOMERS = text("""
INSERT INTO customer (id, seq, traits)
SELECT md5('c' || n)::uuid, 20, jsonb_build_object('tier', (ARRAY['gold', 'silver', 'plain'])[1 + n % 3])
FROM generate_series(1, :customers) AS n ORDER BY 1
""")
_IDENTITIES = text("""
INSERT INTO identity (namespace, value, customer_id)
SELECT 'external_id', 'u' || n, md5('c' || n)::uuid FROM generate_series(1, :customers) AS n
""")
_EVENTS = text("""
INSERT INTO event (customer_id, seq, received_at, id, occurred_at, name, properties, source, kind, future)
SELECT md5('c' || n)::uuid, k, now(), md5('e' || n || ' ' || k)::uuid,
    now() - interval '400 days' * power(random(), 2),
    CASE WHEN k <= 3 THEN 'Order Completed' ELSE 'Product Viewed' END,
    CASE WHEN k <= 3 THEN jsonb_build_object('total', round((5 + 120 * random())::numeric, 2))
         ELSE jsonb_build_object('category', (ARRAY['shoes', 'shirts', 'coats', 'hats'])[1 + (n + k) % 4])
    END, 'bench', 'track', false
FROM (
    SELECT n FROM generate_series(1, :customers) AS n ORDER BY md5('c' || n)::uuid
) AS customers, generate_series(1, 2 + (n % 17)::int) AS k
""")


def fifty(concerned: int) -> Iterator[dict[str, Any]]:
    """Yield fifty rules, of which so many are about orders."""
    for n in range(50):
        if n < concerned:
            rules = (
                {**ORDER, "count": {"gte": n + 1}, "within": "1y"},
                {"all": [ORDER, {"not": {**ORDER, "within": f"{30 + n}d"}}]},
                {**ORDER, "sum": "total", "gte": 100 * n, "within": "180d"},
                {"all": [{"trait": "tier", "eq": "gold"}, {**ORDER, "within": f"{n + 1}d"}]},
            )
        else:
            rules = (
                {"event": "Product Viewed", "count": {"gte": n}, "within": "30d"},
                {"trait": f"trait_{n}", "gte": n},
                {"event": "Message Opened", "within": f"{n}d"},
                {"all": [{"trait": "tier", "eq": "gold"}, {"event": "Checkout Started"}]},
            )
        yield rules[n % len(rules)]


class Shop:
    """The shop that is measured."""

    def __init__(self, database: Database, customers: int) -> None:
        self.database = database
        self.customers = customers

    def do(self, statement: Any, **given: Any) -> None:
        """Execute a statement."""

        def work(connection: Connection) -> None:
            connection.execute(text("SELECT set_config('statement_timeout', '1h', true)"))
            connection.execute(statement, given)

        self.database.transact(work)

    def fill(self) -> None:
        """Bring customers and their events, unless they are there."""
        with self.database.read() as connection:
            if connection.execute(text("SELECT EXISTS (SELECT FROM customer)")).scalar_one():
                return
        started = time.perf_counter()
        for statement in (_CUSTOMERS, _IDENTITIES, _EVENTS):
            self.do(statement, customers=self.customers)
        with self.database.read() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("SET statement_timeout = '1h'"))
            connection.execute(text("VACUUM ANALYZE"))
        print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)

    def segments(self, rules: dict[str, dict[str, Any]]) -> None:
        """Let there be these segments, and no others; none of them is built yet."""
        self.do(text("DELETE FROM segment"))
        self.do(text("TRUNCATE membership"))
        for name, rule in rules.items():
            segment = Segment.model_validate({"id": name, "name": name, "rule": rule})
            put_segment(self.database, segment, actor=COMMAND_LINE)

    def ready(self) -> None:
        """Take the segments for built, though nobody was looked at."""
        self.do(text("UPDATE segment SET state = 'ready'"))
        self.do(text("UPDATE workspace SET revision = revision + 1"))

    def build(self) -> None:
        """Build what there is to build."""
        while building.carry_on(self.database):
            pass

    def order(self, n: int) -> None:
        """Have a customer buy."""
        event = Incoming(
            source="bench", message_id=uuid4().hex, kind="track", name="Order Completed",
            user_id=f"u{1 + n * 7919 % self.customers}", properties={"total": 40.0},
        )  # fmt: skip
        receive(self.database, [event])


@contextmanager
def measured(figures: dict[str, Any], name: str, each: int = 1) -> Iterator[None]:
    """Note seconds and CPU of what is done meanwhile; in milliseconds when it is done often."""
    before, started = cpu_by_process(), time.perf_counter()
    yield
    took, used = time.perf_counter() - started, spent(before, cpu_by_process())
    unit, factor = ("s", 1) if each == 1 else ("ms", 1000 / each)
    figures[name] = {
        unit: round(took * factor, 3),
        f"cpu_{unit}": round(sum(used.values()) * factor, 3),
        f"python_cpu_{unit}": round(used.get("python", 0.0) * factor, 3),
    }
    print(f"{name}: {figures[name]}", file=sys.stderr)


@contextmanager
def opened(customers: int, kept: Path | None) -> Iterator[Shop]:
    """Give a filled shop: a new one, or what is `kept` in a directory."""
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as name,
        Postgres(kept or Path(name)).running() as url,
    ):
        upgrade(url)
        database = Database(url, pool_size=4)
        shop = Shop(database, customers)
        shop.fill()
        for table in ("trait", "score", "threshold", "trait_build", "customer_rollup"):
            shop.do(text(f"DELETE FROM {table}"))  # noqa: S608 - constants
        yield shop
        database.close()


def measure(customers: int, events: int, due: int, kept: Path | None) -> dict[str, Any]:
    """Measure everything, one after the other."""
    figures: dict[str, Any] = {"machine": machine(), "customers": customers}
    with opened(customers, kept) as shop:
        bulk(shop, figures)
        one_rule(shop, figures, events)
        single_events(shop, figures, events)
        sweeping(shop, figures, due)
    return figures


def bulk(shop: Shop, figures: dict[str, Any]) -> None:
    """Build three segments for everybody, and look how large they are."""
    for name, rule in BULK.items():
        shop.segments({name: rule})
        with measured(figures, f"build_{name}"):
            shop.build()
        with shop.database.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT count(*) FILTER (WHERE inside) AS inside, count(*) AS rows FROM membership"
                )
            ).one()
        figures[f"build_{name}"] |= {"inside": rows.inside, "rows": rows.rows}


def one_rule(shop: Shop, figures: dict[str, Any], customers: int) -> None:
    """Ask each of the rules of some customers, one by one, each with her own history."""
    shop.segments(BULK)
    shop.ready()

    def ask(connection: Connection) -> None:
        ids = connection.execute(text(f"SELECT id FROM customer LIMIT {customers:d}")).scalars()  # noqa: S608
        turns = memberships.lock_turns(shop.database, connection, list(ids), Writes())
        rules = turns[0].catalogue.segments
        with measured(figures, "one_rule_of_one_customer", len(turns) * len(rules)):
            for turn in turns:
                for rule in rules.values():
                    stands(rule, turn.world())

    shop.database.transact(ask)


def single_events(shop: Shop, figures: dict[str, Any], events: int) -> None:
    """Have customers buy while there are no segments, fifty, and fifty that are all about it."""
    variants: dict[str, Callable[[], dict[str, Any]]] = {
        "no_segment": dict,
        "fifty_segments_fifteen_concerned": lambda: rules(15),
        "fifty_segments_all_concerned": lambda: rules(50),
    }
    seen: dict[str, list[dict[str, float]]] = {variant: [] for variant in variants}
    for turn in range(-1, 3):
        for variant, make in variants.items():
            shop.segments(make())
            shop.ready()
            some: dict[str, Any] = {}
            n = events if turn >= 0 else 100
            for k in range(n):  # from here on it is known how they stand to the segments
                shop.order(k + turn * events)
            with measured(some, variant, n):
                for k in range(n):
                    shop.order(k + turn * events)
            if turn >= 0:
                seen[variant].append(some[variant])
    for variant, rounds in seen.items():
        figures[variant] = {
            key: round(statistics.median(one[key] for one in rounds), 3) for key in rounds[0]
        }


def rules(concerned: int) -> dict[str, Any]:
    """Return fifty rules by the names of their segments."""
    return {f"s{n}": rule for n, rule in enumerate(fifty(concerned))}


def sweeping(shop: Shop, figures: dict[str, Any], due: int) -> None:
    """Look at customers whose time has come."""
    shop.segments({"dormant": BULK["dormant"]})
    shop.ready()
    shop.do(
        text("""
        INSERT INTO membership (customer_id, segment_id, inside, since, next_change_at)
        SELECT id, 'dormant', false, now(), now() FROM customer LIMIT :due
        """),
        due=due,
    )
    with measured(figures, f"sweep_of_{due}"):
        while memberships.sweep(shop.database) or _left(shop):
            pass


def _left(shop: Shop) -> bool:
    with shop.database.read() as connection:
        return bool(memberships.memberships.due(connection, 1))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--in", dest="kept", type=Path, help="where the shop is kept")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    customers, events, due = (
        (10_000, 100, 500) if given.quick else (given.customers, given.events, given.due)
    )
    report(measure(customers, events, due, given.kept), as_json=given.json)


if __name__ == "__main__":
    main()
