"""A link in a message: notes that it was opened, and leads on."""

import logging
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from activities.content.links import PATH, Click, Tracker
from engine.errors import NotFound, without_words
from engine.flow import feedback
from engine.settings import Settings

router = APIRouter()

_KEPT: Final = ":/%#?=@[]!$&'()*+,;~"
"""What may stand in an address; headers hold nothing beyond ASCII."""

_log = logging.getLogger(__name__)


@router.get(PATH + "{token:path}")
@router.head(PATH + "{token:path}")
def follow(request: Request, token: str) -> Response:
    """Lead on to exactly the address that was signed; whatever else is asked for is not there."""
    settings: Settings = request.app.state.settings
    click = Tracker(settings.link_keys(), settings.url).read(token)
    if click is None:
        raise NotFound("There is no such link.")
    try:
        note_click(request, click)
    except Exception as error:  # noqa: BLE001 - the customer gets where she wants to go all the same
        _log.error("A click was not noted: %s", without_words(error))
    headers = {
        "Location": quote(click.url, safe=_KEPT),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response(status_code=302, headers=headers)


def note_click(request: Request, click: Click) -> None:
    """Take in that a link was followed, by a person or a machine, and wake who waits for it."""
    app = request.app.state
    wakes = feedback.clicked(
        app.database,
        click.message,
        click.url,
        request.headers.get("User-Agent"),
        datetime.now(UTC),
        ip=request.client.host if request.client else None,
        method=request.method,
    )
    if wakes and app.gateway is not None:
        app.gateway.tell_soon(wakes)
