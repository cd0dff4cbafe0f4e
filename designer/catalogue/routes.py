"""Products, shops and orders."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.catalogue import settings, views
from designer.catalogue.settings import TellingForm
from designer.login.permits import ADMINISTER, READ, READ_CUSTOMERS
from designer.pages import Sent, actor, database, pages
from designer.views import customer_name
from engine.flow import materials
from engine.store import documents, interests, orders, product_changes, products, search

router = APIRouter(prefix="/catalogue", dependencies=[READ])

_PAGE: Final = 50
_FEW: Final = 20
_SOLD: Final = timedelta(days=90)


@router.get("")
def catalogue(request: Request, q: str = "", cursor: str = "", saved: str = "") -> Response:
    """List products, or those that a search finds."""
    return _products(request, q=q, cursor=cursor, saved=saved)


@router.post("/settings", dependencies=[ADMINISTER])
def save_settings(request: Request, sent: Sent) -> Response:
    """Save from when on customers are told of a lower price, and for how long after a look."""
    form, changes = settings.read_form(sent, pages(request).words(request))
    if form.wrong:
        return _products(request, form=form, status=422)
    materials.change_workspace(database(request), changes, actor=actor(request))
    return RedirectResponse("/catalogue?saved=1#telling", 303)


def _products(
    request: Request,
    *,
    q: str = "",
    cursor: str = "",
    saved: str = "",
    form: TellingForm | None = None,
    status: int = 200,
) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = products.products(connection, query=q.strip(), limit=_PAGE, cursor=cursor or None)
        form = form or settings.form_of(documents.workspace(connection))
    return pages(request).render(
        request,
        "catalogue/products.html",
        status=status,
        words=words,
        rows=views.product_rows(found.items, words),
        next=found.next,
        q=q,
        cursor=cursor,
        form=form,
        saved=saved,
    )


@router.get("/products/{sku:path}", dependencies=[READ_CUSTOMERS])
def product(request: Request, sku: str) -> Response:
    """Show a product: where it is, who cares for it, what became of that, and its sales."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = products.product(connection, sku)
        by_shop = products.by_shop(connection, sku, 200)
        sold = orders.sales(connection, sku, datetime.now(UTC) - _SOLD)
        counts = interests.counts(connection, sku)
        who = interests.who(connection, sku, _FEW)
        changed = product_changes.latest(connection, sku, _FEW)
        bought = orders.orders(connection, sku=sku, limit=_FEW)
        rows = views.order_rows(connection, bought.items, words)
    there = float(sum(max(one["quantity"], 0) for one in by_shop))
    total = {"stock": there if by_shop else None}
    return pages(request).render(
        request,
        "catalogue/product.html",
        words=words,
        product=found,
        mark=views.stock_mark(found | total, words),
        facts=views.product_facts(found, sold, words),
        by_shop=by_shop,
        counts=counts,
        who=views.interests(who, words),
        changes=views.changes(changed, words),
        orders=rows,
    )


@router.get("/shops")
def shops(request: Request, cursor: str = "") -> Response:
    """List the shops, and how many products each has."""
    with database(request).read() as connection:
        found = products.places(connection, limit=_PAGE, cursor=cursor or None)
    return pages(request).render(
        request, "catalogue/shops.html", rows=found.items, next=found.next, cursor=cursor
    )


@router.get("/orders", dependencies=[READ_CUSTOMERS])
def order_list(request: Request, q: str = "", customer: str = "", cursor: str = "") -> Response:
    """List orders, newest first: all, a customer's, or those whose number begins so."""
    words = pages(request).words(request)
    name = ""
    with database(request).read() as connection:
        who = search.find(connection, customer) if customer else None
        if who is not None:
            profile = search.customer(connection, who)
            name = customer_name(profile["traits"], profile["addresses"], words)
        found = orders.orders(
            connection, customer=who, query=q.strip(), limit=_PAGE, cursor=cursor or None
        )
        rows = views.order_rows(connection, found.items, words)
    return pages(request).render(
        request,
        "catalogue/orders.html",
        words=words,
        rows=rows,
        next=found.next,
        q=q,
        customer=customer,
        name=name,
        cursor=cursor,
    )


@router.get("/orders/{source}/{order:path}", dependencies=[READ_CUSTOMERS])
def order_page(request: Request, source: str, order: str) -> Response:
    """Show an order with its lines, its amounts, and what came back."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = orders.one(connection, order, source)
        (row,) = views.order_rows(connection, [found], words)
        lines: list[dict[str, Any]] = [
            *found["lines"],
            *(
                line
                for kind in ("refunds", "returns")
                for one in found[kind]
                for line in one["lines"]
            ),
        ]
        known = products.known(connection, [line["sku"] for line in lines if "sku" in line])
    return pages(request).render(
        request,
        "catalogue/order.html",
        words=words,
        row=row,
        order=found,
        lines=views.line_rows(found["lines"], found["currency"], known, words),
        facts=views.order_facts(found, words),
        backs=views.backs(found, known, words),
    )
