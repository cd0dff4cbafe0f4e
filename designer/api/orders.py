"""Orders, their refunds and returns, and gift cards."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from designer.api.access import Needs
from designer.api.answers import Cursor, Limit, json_response, page_response, put_response
from designer.api.catalogue import FEED, agreeing, several, stored
from designer.api.materials import Body
from designer.api.problems import ProblemRoute
from designer.api.reading import parse_object, validated
from engine.flow import orders as ordering
from engine.flow.gift_cards import put_gift_card
from engine.model.order import SHOP, GiftCard, Order, Refund, Return
from engine.names import Wake
from engine.store import gift_cards, orders, search
from engine.store.session import Database

READ_CUSTOMERS = [Depends(Needs("read customers"))]
WRITE_CUSTOMERS = [Depends(Needs("write customers"))]

_TOLD: Final = ("refunds", "returns")
"""What an answer tells beside what was put."""

OrderId = Annotated[str, Path(description="the order's id")]
CardId = Annotated[str, Path(description="the gift card's id")]
Source = Annotated[str, Query(description="the source within which the id is unique")]

router = APIRouter(prefix="/v1", route_class=ProblemRoute)


@router.get("/orders", tags=["orders"], summary="List orders", dependencies=READ_CUSTOMERS)
def list_orders(
    request: Request,
    customer: Annotated[str | None, Query(description="`external_id:42` and the like")] = None,
    since: Annotated[datetime | None, Query(description="placed at or after this")] = None,
    sku: Annotated[str, Query(description="with this product")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List orders, newest first."""
    database: Database = request.app.state.database
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    with database.read() as connection:
        who = search.find(connection, customer) if customer is not None else None
        found = orders.orders(
            connection, customer=who, since=since, sku=sku, limit=limit, cursor=cursor
        )
    return page_response(found)


@router.post("/orders/batch", tags=["orders"], summary="Put many orders", dependencies=FEED)
def write_orders(request: Request, body: Body) -> Response:
    """Create or replace up to 1,000 `orders`; with a mistake in one, none is stored."""
    some = several(body, "orders", Order, "order")
    put = ordering.put_orders(request.app.state.database, some)
    _tell(request, put.wakes)
    return stored(some, put.created)


@router.get("/orders/{order}", tags=["orders"], summary="One order", dependencies=READ_CUSTOMERS)
def read_order(request: Request, order: OrderId, source: Source = SHOP) -> Response:
    """Return an order with its refunds and returns."""
    return json_response(_order(request, order, source))


@router.put(
    "/orders/{order}", tags=["orders"], summary="Create or replace an order", dependencies=FEED
)
def write_order(request: Request, order: OrderId, body: Body, source: Source = SHOP) -> Response:
    """Save an order; a new one is an `Order Completed` for journeys, a cancelled one's end too.

    The customer is made if nobody is known by her id.
    """
    document = agreeing(parse_object(body), "order", id=order)
    document = {key: value for key, value in document.items() if key not in _TOLD}
    document.setdefault("source", source)
    model = validated(Order, document, f"order {order}")
    put = ordering.put_orders(request.app.state.database, [model])
    _tell(request, put.wakes)
    return put_response(_order(request, model.id, model.source), created=bool(put.created))


@router.post(
    "/orders/{order}/refunds",
    tags=["orders"],
    summary="Give money back",
    status_code=201,
    dependencies=FEED,
)
def write_refund(request: Request, order: OrderId, body: Body, source: Source = SHOP) -> Response:
    """Add a refund, by all that is left when no amount is named; the same id counts once."""
    model = validated(Refund, parse_object(body), "refund")
    database: Database = request.app.state.database
    done = ordering.refund(database, order, source, model, datetime.now(UTC))
    return _reversed(request, order, source, "refunds", done)


@router.post(
    "/orders/{order}/returns",
    tags=["orders"],
    summary="Take goods back",
    status_code=201,
    dependencies=FEED,
)
def write_return(request: Request, order: OrderId, body: Body, source: Source = SHOP) -> Response:
    """Add a return, of all of it when no lines are named; the same id counts once."""
    model = validated(Return, parse_object(body), "return")
    database: Database = request.app.state.database
    done = ordering.take_back(database, order, source, model, datetime.now(UTC))
    return _reversed(request, order, source, "returns", done)


@router.get(
    "/gift-cards", tags=["gift cards"], summary="List gift cards", dependencies=READ_CUSTOMERS
)
def list_cards(
    request: Request,
    customer: Annotated[str | None, Query(description="`external_id:42` and the like")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List gift cards by id: all, or a customer's."""
    database: Database = request.app.state.database
    with database.read() as connection:
        who = search.find(connection, customer) if customer is not None else None
        return page_response(gift_cards.cards(connection, customer=who, limit=limit, cursor=cursor))


@router.get(
    "/gift-cards/{card}", tags=["gift cards"], summary="One gift card", dependencies=READ_CUSTOMERS
)
def read_card(request: Request, card: CardId) -> Response:
    """Return a gift card; of its code only the end is known."""
    return json_response(_card(request, card))


@router.put(
    "/gift-cards/{card}",
    tags=["gift cards"],
    summary="Create or replace a gift card",
    dependencies=WRITE_CUSTOMERS,
)
def write_card(request: Request, card: CardId, body: Body) -> Response:
    """Save what is on a gift card; without a `code` it keeps the one it has."""
    document = agreeing(parse_object(body), "gift card", id=card)
    if isinstance(document.get("code"), str) and document["code"].startswith("•"):
        document.pop("code")  # as it was read
    model = validated(GiftCard, document, f"gift card {card}")
    created = put_gift_card(request.app.state.database, model)
    return put_response(_card(request, model.id), created=created)


def _reversed(
    request: Request, order: str, source: str, kind: str, done: ordering.Reversed
) -> Response:
    _tell(request, done.wakes)
    found = _order(request, order, source)
    one = next(one for one in found[kind] if one["id"] == done.id)
    return put_response(one, created=done.created)


def _tell(request: Request, wakes: list[Wake]) -> None:
    if wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)


def _order(request: Request, order: str, source: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        return orders.one(connection, order, source)


def _card(request: Request, card: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        return gift_cards.one(connection, card)
