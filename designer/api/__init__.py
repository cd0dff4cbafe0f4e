"""The interface for programs: Segment's API, resources under `/v1`, health and metrics."""

from fastapi import FastAPI

from designer.api import (
    activities,
    catalogue,
    customers,
    definitions,
    duplicates,
    entries,
    health,
    hooks,
    imports,
    journeys,
    materials,
    messages,
    openapi,
    orders,
    segment,
    shared,
    starts,
    topics,
)
from designer.api.admission import Admission
from designer.api.answers import json_response
from designer.api.problems import add_handlers
from engine.store.keys import KeyRing

ROUTERS = (
    duplicates,
    customers,
    imports,
    journeys,
    entries,
    starts,
    materials,
    shared,
    topics,
    definitions,
    activities,
    messages,
    hooks,
    catalogue,
    orders,
    health,
)
"""Each a module with a `router`."""


def mount(app: FastAPI) -> None:
    """Add the interface to the application.

    Its state must hold `database`, `links` and `gateway` (or None) before the first request.
    """
    app.state.keys = KeyRing()
    app.state.admission = Admission(app.state)
    app.router.routes[:0] = segment.ROUTES  # first, because most requests are theirs
    for module in ROUTERS:
        app.include_router(module.router)
    add_handlers(app)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    if app.openapi_url is None:
        app.add_api_route(
            "/openapi.json", lambda: json_response(app.openapi()), include_in_schema=False
        )
