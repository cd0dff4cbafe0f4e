"""Where providers call back. No key, no session: each request is checked by its signature."""

import logging
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from designer.api.metrics import SHOP_HOOKS
from designer.api.problems import ProblemRoute
from designer.api.reading import read_body
from designer.hooks import prestashop, sendgrid, shopify, twilio
from designer.hooks.twilio import Inbound
from engine.errors import NotFound
from engine.flow import feedback, shops
from engine.flow.shops import Told
from engine.names import Wake
from engine.settings import Settings
from engine.store.session import Database

_log = logging.getLogger(__name__)

LIMIT: Final = 5_000_000
"""The largest request, in bytes; SendGrid's batches stay below one million."""


async def _body(request: Request) -> bytes:
    return await read_body(request, LIMIT)


Raw = Annotated[bytes, Depends(_body)]

router = APIRouter(prefix="/hooks", route_class=ProblemRoute)


@router.post("/sendgrid")
def hear_sendgrid(request: Request, body: Raw) -> Response:
    """Take in SendGrid's events; each is taken in once, however often it is sent."""
    settings: Settings = request.app.state.settings
    key = _secret(settings.sendgrid_webhook_key.get_secret_value(), "SENDGRID_WEBHOOK_KEY")
    sendgrid.check(key, body, request.headers, datetime.now(UTC))
    _tell(request, feedback.hear_all(_database(request), sendgrid.words(body)))
    return Response(status_code=204)


@router.post("/twilio")
def hear_twilio(request: Request, body: Raw) -> Response:
    """Take in what became of a message, or what a customer wrote."""
    settings: Settings = request.app.state.settings
    token = _secret(settings.twilio_auth_token.get_secret_value(), "TWILIO_AUTH_TOKEN")
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{settings.url}{request.url.path}{query}"
    form = twilio.read(token, url, body, request.headers.get(twilio.SIGNATURE))
    told = twilio.told(form, request.query_params.get("message"))
    if isinstance(told, Inbound):
        wakes = feedback.answered(
            _database(request),
            told.channel,
            told.phone,
            told.body,
            source="twilio",
            key=told.key,
            asks=told.asks,
        )
    else:
        wakes = feedback.hear(_database(request), told) if told is not None else []
    _tell(request, wakes)
    return Response(twilio.EMPTY, media_type="text/xml")


@router.post("/shopify")
def hear_shopify(request: Request, body: Raw) -> Response:
    """Take in what happened in a Shopify shop; each delivery once, however often it is sent."""
    settings: Settings = request.app.state.settings
    secret = _secret(settings.shopify_secret.get_secret_value(), "SHOPIFY_SECRET")
    shopify.check(secret, body, request.headers.get(shopify.SIGNATURE))
    delivery = shopify.delivery(
        request.headers,
        settings.shopify_namespace,
        lambda order: shops.of_order(_database(request), order),
        lambda item: shops.sku_of(_database(request), item),
    )
    return _take_in(request, "shopify", delivery.topic, shopify.told(body, delivery))


@router.post("/prestashop")
def hear_prestashop(request: Request, body: Raw) -> Response:
    """Take in what a module tells of a PrestaShop shop."""
    settings: Settings = request.app.state.settings
    secret = _secret(settings.prestashop_secret.get_secret_value(), "PRESTASHOP_SECRET")
    header = settings.prestashop_header
    prestashop.check(secret, body, header, request.headers.get(header))
    delivery = prestashop.delivery(body, settings.prestashop_namespace)
    return _take_in(request, "prestashop", delivery.hook, prestashop.told(delivery))


def _take_in(request: Request, shop: str, topic: str, told: Told | None) -> Response:
    """Store what a shop told, and answer success: it would send again what is of no use here."""
    if told is None:
        _log.info("%s sent the topic %s, which is not known here.", shop, topic[:60])
        SHOP_HOOKS.labels(shop, topic[:60], "unknown").inc()
        return Response(status_code=200)
    wakes = shops.take_in(_database(request), told)
    _tell(request, wakes)
    SHOP_HOOKS.labels(shop, topic, "stored" if told.stores else "ignored").inc()
    return Response(status_code=200)


def _secret(value: str, name: str) -> str:
    if not value:
        _log.warning("A provider called back, but PARCOURS_%s is not set.", name)
        raise NotFound("Nobody is expected to call back here.")
    return value


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _tell(request: Request, wakes: list[Wake]) -> None:
    if wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)
