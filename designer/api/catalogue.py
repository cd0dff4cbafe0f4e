"""Products, shops, and how much of what is where."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from designer.api.access import Needs
from designer.api.answers import (
    Cursor,
    Limit,
    emptied,
    json_response,
    page_response,
    put_response,
)
from designer.api.materials import READ, Body
from designer.api.problems import ProblemRoute
from designer.api.reading import parse_object, validated
from engine.errors import InvalidDocument, InvalidInput, Problem, TooLarge
from engine.flow import products as feeding
from engine.model.base import Frozen
from engine.model.product import Product, Shop, Stock
from engine.store import products
from engine.store.session import Database

M = TypeVar("M", bound=Frozen)

BATCH: Final = 1000
"""The most that one request of a batch may bring."""

TOLD: Final = frozenset({"updated_at", "stock", "in_shops"})
"""What an answer tells beside what was put: it may be put back as it was read."""

FEED = [Depends(Needs("feed the catalogue"))]

Sku = Annotated[str, Path(description="the product's sku")]
ShopId = Annotated[str, Path(description="the shop's id")]

router = APIRouter(prefix="/v1", route_class=ProblemRoute)


def agreeing(document: dict[str, Any], what: str, **address: str) -> dict[str, Any]:
    """Return the document with the keys of its address; refuse one that says others."""
    for key, value in address.items():
        if document.get(key, value) != value:
            raise InvalidInput(
                f"The address names the {what} {value!r}, the document says "
                f"{str(document[key])!r}: they must agree."
            )
    kept = {key: value for key, value in document.items() if key not in TOLD}
    return {**kept, **address}


def several(body: bytes, key: str, model: type[M], what: str) -> Sequence[M]:
    """Read a batch: all of it, or a refusal that names every mistake by its place."""
    document = parse_object(body)
    given = document.get(key)
    if not isinstance(given, list) or set(document) != {key}:
        raise InvalidInput(f'{key}: a list is needed, like {{"{key}": [{{…}}, {{…}}]}}.')
    if len(given) > BATCH:
        raise TooLarge(f"The batch holds {len(given):,} {key}; {BATCH:,} is the most.")
    found: list[M] = []
    problems: list[Problem] = []
    for index, one in enumerate(given):
        place = f"{key}[{index}]"
        if not isinstance(one, dict):
            problems.append(Problem(message=f"{place}: a JSON object is needed", path=(key, index)))
            continue
        try:
            kept = {name: value for name, value in one.items() if name not in TOLD}
            found.append(validated(model, kept, what))
        except InvalidDocument as error:
            problems += [
                Problem(message=f"{place}.{problem.message}", path=(key, index, *problem.path))
                for problem in error.problems
            ]
    if problems:
        raise InvalidDocument(f"The {key} have mistakes, and nothing of them was stored", problems)
    return found


def stored(some: Sequence[Any], created: int) -> Response:
    """Answer how many of a batch are new."""
    return json_response({"stored": len(some), "created": created})


@router.get("/products", tags=["products"], summary="List products", dependencies=READ)
def list_products(
    request: Request,
    query: Annotated[str, Query(description="a part of a name, sku or category")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List products by sku, each with how much of it is in `stock`, and `in_shops` how many."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(products.products(connection, query=query, limit=limit, cursor=cursor))


@router.post("/products/batch", tags=["products"], summary="Put many products", dependencies=FEED)
def write_products(request: Request, body: Body) -> Response:
    """Create or replace up to 1,000 `products`: all of them, or none."""
    some = several(body, "products", Product, "product")
    return stored(some, feeding.put_products(request.app.state.database, some))


@router.get("/products/{sku}", tags=["products"], summary="One product", dependencies=READ)
def read_product(request: Request, sku: Sku) -> Response:
    """Return a product."""
    return json_response(_product(request, sku))


@router.put(
    "/products/{sku}",
    tags=["products"],
    summary="Create or replace a product",
    dependencies=FEED,
)
def write_product(request: Request, sku: Sku, body: Body) -> Response:
    """Save a product; customers who wait for a lower price are told if it fell far enough."""
    document = agreeing(parse_object(body), "product", sku=sku)
    model = validated(Product, document, f"product {sku}")
    created = feeding.put_products(request.app.state.database, [model])
    return put_response(_product(request, model.sku), created=bool(created))


@router.delete("/products/{sku}", tags=["products"], summary="Delete a product", dependencies=FEED)
def delete_product(request: Request, sku: Sku) -> Response:
    """Delete a product with its stock; orders keep their lines."""
    feeding.remove(request.app.state.database, "product", sku)
    return emptied()


@router.get("/shops", tags=["shops"], summary="List shops", dependencies=READ)
def list_shops(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the shops by id."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(products.shops(connection, limit=limit, cursor=cursor))


@router.get("/shops/{shop}", tags=["shops"], summary="One shop", dependencies=READ)
def read_shop(request: Request, shop: ShopId) -> Response:
    """Return a shop."""
    return json_response(_shop(request, shop))


@router.put("/shops/{shop}", tags=["shops"], summary="Create or replace a shop", dependencies=FEED)
def write_shop(request: Request, shop: ShopId, body: Body) -> Response:
    """Save a place where you sell."""
    document = agreeing(parse_object(body), "shop", id=shop)
    model = validated(Shop, document, f"shop {shop}")
    created = feeding.put_shops(request.app.state.database, [model])
    return put_response(_shop(request, model.id), created=bool(created))


@router.delete("/shops/{shop}", tags=["shops"], summary="Delete a shop", dependencies=FEED)
def delete_shop(request: Request, shop: ShopId) -> Response:
    """Delete a shop with its stock; orders keep its id."""
    feeding.remove(request.app.state.database, "shop", shop)
    return emptied()


@router.get("/stock", tags=["stock"], summary="List stock", dependencies=READ)
def list_stock(
    request: Request,
    sku: Annotated[str | None, Query(description="of this product alone")] = None,
    shop: Annotated[str | None, Query(description="in this shop alone")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List how much of what is where, by sku and shop."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(
            products.stock(connection, sku=sku, shop=shop, limit=limit, cursor=cursor)
        )


@router.post("/stock/batch", tags=["stock"], summary="Put much stock", dependencies=FEED)
def write_stocks(request: Request, body: Body) -> Response:
    """Say for up to 1,000 places in `stock` how much is there: all of them, or none."""
    some = several(body, "stock", Stock, "stock")
    return stored(some, feeding.put_stock(request.app.state.database, some))


@router.put(
    "/stock/{sku}/{shop}",
    tags=["stock"],
    summary="Say how much of a product is in a shop",
    dependencies=FEED,
)
def write_stock(request: Request, sku: Sku, shop: ShopId, body: Body) -> Response:
    """Save a `quantity`; customers who wait for the product are told if it is back."""
    document = agreeing(parse_object(body), "stock", sku=sku, shop=shop)
    model = validated(Stock, document, f"stock of {sku} in {shop}")
    created = feeding.put_stock(request.app.state.database, [model])
    database: Database = request.app.state.database
    with database.read() as connection:
        found = products.stock(connection, sku=model.sku, shop=model.shop).items[0]
    return put_response(found, created=bool(created))


def _product(request: Request, sku: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        return products.product(connection, sku)


def _shop(request: Request, shop: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        return products.shop(connection, shop)
