"""What Prometheus may count. Labels are route templates, never addresses: those name customers."""

from typing import Final

from prometheus_client import Counter, Gauge
from starlette.requests import Request

EVENTS: Final = Counter("parcours_events_received_total", "Events that were answered with success")
REQUESTS: Final = Counter(
    "parcours_requests_total", "Requests to the interface", ["method", "route", "status"]
)
SHOP_HOOKS: Final = Counter(
    "parcours_shop_hooks_total", "What shops told by their webhooks", ["shop", "topic", "outcome"]
)
WAKES: Final = Gauge("parcours_wakes_waiting", "Runs that Temporal has not been told of yet")


def route_of(request: Request) -> str:
    """Return the template of the request's route."""
    scope = request.scope
    return getattr(scope.get("route") or scope.get("endpoint"), "path", "(no route)")


def count(request: Request, status: int) -> None:
    """Count an answered request."""
    REQUESTS.labels(request.method, route_of(request), status).inc()
