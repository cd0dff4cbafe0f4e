"""The web application: pages for people, and the interface for programs under `/v1`."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from functools import partial

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from activities.outbox import OutboxTransport
from activities.transport import Transport
from designer import api, errors
from designer.account import routes as account
from designer.assets import Assets
from designer.canvas import live as canvas_live
from designer.canvas import routes as canvas
from designer.canvas.lately import Lately
from designer.catalogue import routes as catalogue
from designer.changes import routes as changes
from designer.content import routes as content
from designer.customers import routes as customers
from designer.demo import routes as demo
from designer.document import routes as document
from designer.duplicates import routes as duplicates
from designer.events import routes as events
from designer.files import routes as files
from designer.hooks import routes as hooks
from designer.imports import routes as imports
from designer.inside import routes as inside
from designer.journeys import routes as journeys
from designer.keys import routes as keys
from designer.lifecycle import routes as lifecycle
from designer.links import routes as links
from designer.login import routes as login
from designer.login.gate import Gate
from designer.login.permits import Doors
from designer.login.sessions import Sessions
from designer.manners import routes as manners
from designer.messages import routes as messages
from designer.outbox import routes as outbox
from designer.pages import Pages
from designer.people import routes as people
from designer.preferences import routes as preferences
from designer.segments import editing as segment_editing
from designer.segments import routes as segments
from designer.start import routes as start
from designer.starts import routes as starts
from designer.streams import Streams
from designer.topics import routes as topics
from designer.traits import routes as traits
from designer.walk import routes as walk
from designer.webpush import routes as webpush
from engine import gateway
from engine.errors import Unavailable
from engine.flow import sweep
from engine.model.base import CHANNELS, Channel
from engine.settings import Settings
from engine.store.session import Database

_log = logging.getLogger(__name__)

PAGES = (
    login,
    journeys,
    document,
    lifecycle,
    files,
    walk,
    inside,
    canvas,
    canvas_live,
    segment_editing,
    segments,
    content,
    messages,
    manners,
    customers,
    duplicates,
    imports,
    catalogue,
    outbox,
    events,
    links,
    demo,
    preferences,
    start,
    topics,
    traits,
    hooks,
    webpush,
    starts,
    account,
    people,
    keys,
    changes,
)
"""Each a folder with `routes.py`; `document` before `canvas`, whose addresses are wider."""


def create_app(
    settings: Settings, transports: Mapping[Channel, Transport] | None = None
) -> FastAPI:
    """Return the application; it starts without Temporal, and connects when that answers.

    `transports` carry tests of templates; without them the outbox takes them.
    Whoever stops the server calls `app.state.streams.close()` first: live pages then end at once.
    """
    app = FastAPI(
        title="Parcours",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    database = Database(settings.database_url, application="parcours-web")
    secure = settings.url.startswith("https:")
    sessions = Sessions(database, settings.signing_key(), secure=secure)
    app.state.settings = settings
    app.state.database = database
    app.state.gateway = None
    app.state.transports = transports or dict.fromkeys(CHANNELS, OutboxTransport())
    app.state.sessions = sessions
    app.state.links = database.links = settings.links()
    app.state.pages = Pages(database, sessions)
    app.state.streams = Streams()
    app.state.lately = Lately()
    app.mount("/static", Assets(), name="static")
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    api.mount(app)
    errors.add_error_pages(app)
    doors = Doors(route for page in PAGES for route in page.router.routes)
    app.add_middleware(Gate, sessions=sessions, doors=doors, refusal=errors.refusal)
    # At 9, its default, the last percent costs as much time as drawing a journey of 200 steps.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    return app


async def _connect(app: FastAPI) -> None:
    """Connect to Temporal, however long that takes; until then the dispatcher tells the wakes."""
    settings: Settings = app.state.settings
    wait = 1.0
    while settings.temporal_address:
        try:
            client = await gateway.connect(settings, settings.temporal_address)
        except Unavailable as error:
            _log.info("%s Trying again in %.0f s.", error, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)
        else:
            app.state.gateway = gateway.Gateway(client, partial(sweep.told, app.state.database))
            return


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    connecting = asyncio.create_task(_connect(app))
    try:
        yield
    finally:
        app.state.streams.close()
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting
        app.state.database.close()
