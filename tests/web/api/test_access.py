import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from designer.api import ROUTERS, health
from designer.api.access import PERMITTED, Needs
from engine.store.keys import ROLES

OPEN = {"/healthz", "/readyz"}


def routes() -> Iterator[tuple[APIRoute, str]]:
    for module in ROUTERS:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods:
                yield route, method


def needs(route: APIRoute) -> list[Needs]:
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return [call for call in calls if isinstance(call, Needs)]


def test_every_route_asks_for_a_permission() -> None:
    for route, _ in routes():
        assert bool(needs(route)) != (route.path in OPEN), route.path
    assert {route.path for route in health.router.routes} == {*OPEN, "/metrics"}


def test_every_role_is_decided_on() -> None:
    assert set(PERMITTED) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_key_opens_what_its_role_permits_and_nothing_else(
    client: TestClient, key: Callable[[str], str], role: Any
) -> None:
    headers = {"Authorization": f"Bearer {key(role)}"}
    for route, method in routes():
        wanted = [need.permission for need in needs(route)]
        if not wanted:
            continue
        path = re.sub(r"{\w+}", "a:b", route.path_format)
        answer = client.request(method, path, headers=headers)
        permitted = all(permission in PERMITTED[role] for permission in wanted)
        assert (answer.status_code != 403) == permitted, f"{method} {path}"


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer pk_wrong", "Basic cGs6", "Bearer x y"])
def test_no_key_opens_nothing(client: TestClient, token: str) -> None:
    for route, method in routes():
        if needs(route):
            path = re.sub(r"{\w+}", "a:b", route.path_format)
            answer = client.request(method, path, headers={"Authorization": token})
            assert answer.status_code == 401


def test_health_needs_no_key(client: TestClient, app: FastAPI, gateway: Any) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    gateway.up = False
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["temporal"]) == (503, "does not answer")
    app.state.gateway = None
    assert client.get("/readyz").status_code == 503


def test_metrics_count_events(
    client: TestClient, admin: dict[str, str], send: Callable[..., Any]
) -> None:
    def counted() -> float:
        lines = client.get("/metrics", headers=admin).text.splitlines()
        name = "parcours_events_received_total"
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    before = counted()
    send("/v1/track", {"userId": "1", "event": "A"})
    assert counted() == before + 1
    send("/v1/track", {"userId": "ann@example.com"})
    client.get("/v1/customers/email:ann@example.com", headers=admin)
    metrics = client.get("/metrics", headers=admin).text
    assert 'parcours_requests_total{method="POST",route="/v1/track",status="400"}' in metrics
    assert 'route="/v1/customers/{customer:path}",status="404"' in metrics
    assert "parcours_wakes_waiting 0.0" in metrics
    assert "ann@example.com" not in metrics


def test_the_openapi_document_lists_the_interface_alone(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["paths"]
    assert all(path.startswith("/v1/") for path in document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["security"], f"{method} {path}"
    schemas = document["components"]["schemas"]
    text = client.get("/openapi.json").text
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas
