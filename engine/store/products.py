"""Products, shops, and how much of what is where."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, RowMapping, text

from engine.errors import NotFound
from engine.store.paging import Page, limited, page, read_cursor

_PRODUCT: Final = (
    "name", "categories", "price", "currency", "picture", "link", "active", "data",
)  # fmt: skip
_SHOP: Final = ("name", "address", "time_zone", "link", "active", "data")


def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Return the statement that writes rows, and leaves alone those that are so already."""
    names = ", ".join((*key, *columns))
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns)
    was = ", ".join(f"{table}.{name}" for name in columns)
    new = ", ".join(f"excluded.{name}" for name in columns)
    return f"""
INSERT INTO {table} ({names})
SELECT {names} FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json))
ORDER BY {", ".join(key)}
ON CONFLICT ({", ".join(key)}) DO UPDATE SET {changed}, updated_at = now()
WHERE ({was}) IS DISTINCT FROM ({new})
"""  # noqa: S608 - names of columns


_PUT_PRODUCTS = text(_upsert("product", ("sku",), _PRODUCT))
_PUT_SHOPS = text(_upsert("shop", ("id",), _SHOP))
_PUT_STOCK = text(_upsert("stock", ("sku", "shop"), ("quantity",)))

# Whoever compares before and after must be the only one who changes anything meanwhile.
_ALONE = {
    name: text(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE") for name in ("product", "stock")
}

_BEFORE = text("SELECT sku, price, currency, active FROM product WHERE sku = ANY(:skus)")
_KNOWN_SHOPS = text("SELECT id FROM shop WHERE id = ANY(:ids)")
_STOCK_OF = text("SELECT sku, shop, quantity FROM stock WHERE sku = ANY(:skus)")

_FULL: Final = """
    p.*, s.quantity, coalesce(s.shops, 0) AS shops
    FROM product p LEFT JOIN LATERAL (
        SELECT sum(greatest(quantity, 0)) AS quantity,
               count(*) FILTER (WHERE quantity > 0) AS shops
        FROM stock WHERE stock.sku = p.sku HAVING count(*) > 0
    ) s ON true
"""


def put_products(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Create or replace products, each named once."""
    connection.execute(_PUT_PRODUCTS, {"rows": _json(rows)})


def put_shops(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Create or replace shops, each named once; return how many are new."""
    ids = [row["id"] for row in rows]
    known = connection.execute(_KNOWN_SHOPS, {"ids": ids}).all()
    connection.execute(_PUT_SHOPS, {"rows": _json(rows)})
    return len(rows) - len(known)


def put_stock(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write how much of products is where, each place once."""
    connection.execute(_PUT_STOCK, {"rows": _json(rows)})


def alone(connection: Connection, table: str) -> None:
    """Wait for whoever writes products, or stock, and keep others waiting."""
    connection.execute(_ALONE[table])


def before(connection: Connection, skus: Sequence[str]) -> dict[str, RowMapping]:
    """Return prices and currencies of those of these products that are there."""
    rows = connection.execute(_BEFORE, {"skus": list(skus)}).mappings()
    return {row["sku"]: row for row in rows}


def stock_of(connection: Connection, skus: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return how much of these products is in each shop that has said so."""
    found: dict[str, dict[str, Any]] = {}
    for row in connection.execute(_STOCK_OF, {"skus": list(skus)}):
        found.setdefault(row.sku, {})[row.shop] = row.quantity
    return found


def product(connection: Connection, sku: str) -> dict[str, Any]:
    """Return a product."""
    row = connection.execute(
        text("SELECT * FROM product WHERE sku = :sku"), {"sku": sku}
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no product {sku!r}.")
    return _product(row._asdict())


def products(
    connection: Connection, *, query: str = "", limit: int = 100, cursor: str | None = None
) -> Page:
    """List products by sku: all, or those whose name, sku or category has the query in it.

    `stock` is None where no shop has said how much it has.
    """
    limit = limited(limit)
    given: dict[str, Any] = {"limit": limit + 1, "after": "", "like": _like(query)}
    where = "p.sku > :after"
    if cursor is not None:
        given["after"] = read_cursor(cursor, str)[0]
    if query:
        where += " AND (p.name ILIKE :like OR p.sku ILIKE :like OR p.categories::text ILIKE :like)"
    rows = connection.execute(
        text(f"SELECT {_FULL} WHERE {where} ORDER BY p.sku LIMIT :limit"),
        given,
    ).all()
    items = [
        {
            **_product(row._asdict()),
            "stock": None if row.quantity is None else float(row.quantity),
            "in_shops": row.shops,
        }
        for row in rows
    ]
    return page(rows, limit, items, "sku")


def shop(connection: Connection, id: str) -> dict[str, Any]:
    """Return a shop."""
    row = connection.execute(text("SELECT * FROM shop WHERE id = :id"), {"id": id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no shop {id!r}.")
    return _shop(row._asdict())


def shops(connection: Connection, *, limit: int = 100, cursor: str | None = None) -> Page:
    """List shops by id."""
    limit = limited(limit)
    after = read_cursor(cursor, str)[0] if cursor is not None else ""
    rows = connection.execute(
        text("SELECT * FROM shop WHERE id > :after ORDER BY id LIMIT :limit"),
        {"after": after, "limit": limit + 1},
    ).all()
    return page(rows, limit, [_shop(row._asdict()) for row in rows], "id")


def stock(
    connection: Connection,
    *,
    sku: str | None = None,
    shop: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """List how much of what is where, by sku and shop."""
    limit = limited(limit)
    wheres, given = ["true"], {"limit": limit + 1}
    parameters: dict[str, Any] = given
    for name, value in (("sku", sku), ("shop", shop)):
        if value is not None:
            wheres.append(f"{name} = :{name}")
            parameters[name] = value
    if cursor is not None:
        parameters["after_sku"], parameters["after_shop"] = read_cursor(cursor, str, str)
        wheres.append("(sku, shop) > (:after_sku, :after_shop)")
    rows = connection.execute(
        text(
            f"SELECT * FROM stock WHERE {' AND '.join(wheres)} ORDER BY sku, shop LIMIT :limit"  # noqa: S608
        ),
        parameters,
    ).all()
    items = [
        {
            "sku": row.sku,
            "shop": row.shop,
            "quantity": float(row.quantity),
            "updated_at": row.updated_at,
        }
        for row in rows
    ]
    return page(rows, limit, items, "sku", "shop")


_PLACES = text("""
SELECT s.id, s.name, s.address, s.active, coalesce(t.products, 0) AS products
FROM (SELECT id, name, address, active FROM shop
      UNION ALL
      SELECT DISTINCT shop, NULL, NULL, true FROM stock WHERE shop NOT IN (SELECT id FROM shop)) s
LEFT JOIN (SELECT shop, count(*) FILTER (WHERE quantity > 0) AS products FROM stock GROUP BY shop) t
  ON t.shop = s.id
WHERE s.id > :after ORDER BY s.id LIMIT :limit
""")


def places(connection: Connection, *, limit: int, cursor: str | None = None) -> Page:
    """List shops, those too that are only known by their stock, with how many products they have."""
    after = read_cursor(cursor, str)[0] if cursor is not None else ""
    rows = connection.execute(_PLACES, {"after": after, "limit": limit + 1}).all()
    return page(rows, limit, [dict(row._asdict()) for row in rows], "id")


def known(connection: Connection, skus: Sequence[str]) -> set[str]:
    """Return which of these the catalogue has."""
    return set(before(connection, skus))


_BY_SHOP = text("""
SELECT t.shop, s.name, t.quantity, t.updated_at
FROM stock t LEFT JOIN shop s ON s.id = t.shop WHERE t.sku = :sku
ORDER BY t.quantity DESC, t.shop LIMIT :limit
""")


def by_shop(connection: Connection, sku: str, limit: int) -> list[dict[str, Any]]:
    """Return how much of a product is in which shop, the most first."""
    rows = connection.execute(_BY_SHOP, {"sku": sku, "limit": limit}).mappings()
    return [dict(row) for row in rows]


def names(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the names of those of these shops that have one."""
    rows = connection.execute(
        text("SELECT id, name FROM shop WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )
    return {row.id: row.name for row in rows}


def of_inventory_item(connection: Connection, number: str) -> str | None:
    """Return the product whose data name this `inventory_item_id`."""
    asked = text("SELECT sku FROM product WHERE data ->> 'inventory_item_id' = :number LIMIT 1")
    found: str | None = connection.execute(asked, {"number": number}).scalar()
    return found


def remove(connection: Connection, table: str, key: str) -> None:
    """Delete a product or a shop, and what is known of its stock."""
    name, column = ("sku", "sku") if table == "product" else ("id", "shop")
    gone = connection.execute(text(f"DELETE FROM {table} WHERE {name} = :key"), {"key": key})  # noqa: S608
    if not gone.rowcount:
        raise NotFound(f"There is no {table} {key!r}.")
    connection.execute(text(f"DELETE FROM stock WHERE {column} = :key"), {"key": key})  # noqa: S608


def _product(row: Mapping[str, Any]) -> dict[str, Any]:
    price = None if row["price"] is None else float(row["price"])
    document = {"sku": row["sku"], **{name: row[name] for name in _PRODUCT}}
    return {**document, "price": price, "updated_at": row["updated_at"]}


def _shop(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], **{name: row[name] for name in _SHOP}, "updated_at": row["updated_at"]}


def _like(query: str) -> str:
    plain = query.replace("\0", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(rows), default=str).decode()
