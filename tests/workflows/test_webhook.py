"""Calls of journeys through real Temporal and PostgreSQL, to a server on loopback."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.store import tables
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

JOURNEY = """
id: crm
name: CRM
entry: {{on: {{event: Go}}, reentry: {{mode: per_key, key: way}}}}
topic: offers
exits: [{{on: {{event: Order Completed}}, reason: purchased}}]
steps:
  - id: tell
    type: webhook
    url: "http://127.0.0.1:{port}/{{{{ event.way }}}}"
    headers: {{Authorization: "Bearer {{{{ secret.CRM }}}}"}}
    body: {{who: "{{{{ customer.email }}}}", n: "{{{{ event.n }}}}"}}
    keep: {{item: data.item}}
    timeout: 1s
    retry_for: {retry_for}
    on_error: [{{id: sorry, type: exit, reason: told nobody}}]
  - {{id: mail, type: send, channel: email, template: kept}}
"""


class Crm:
    """Answers by the path: the statuses that are asked for there, one after the other."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.calls: dict[str, int] = {}
        self.arrived = threading.Event()
        self.go_on = threading.Event()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.heard.append((path, headers, json.loads(body)))
        n = self.calls[path] = self.calls.get(path, 0) + 1
        self.arrived.set()
        match path:
            case "/flaky" if n == 1:
                return 500, b""
            case "/refuse":
                return 400, b""
            case "/slow":
                time.sleep(1.5)
            case "/hold":
                self.go_on.wait(10)
        return 200, b'{"data": {"item": "shoes"}}'


@contextmanager
def serving(crm: Crm) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, content = crm.answer(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # the caller's patience was over
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        crm.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _furnish(shop: Shop, port: int, retry_for: str = "1d") -> None:
    put_template(shop.database, "kept")
    shop.publish(JOURNEY.format(port=port, retry_for=retry_for))


async def _identify(shop: Shop) -> None:
    ada = {"email": "ada@example.com", "first_name": "Ada"}
    await shop.receive([incoming("ada", "Customer Identified", kind="identify", traits=ada)])


def _reasons(shop: Shop) -> dict[str, str]:
    return {str(row.entry_key): str(row.end_reason) for row in shop.rows(tables.run)}


def _traced(shop: Shop, what: str) -> list[Any]:
    return [row.data for row in shop.rows(tables.run_trace) if row.what == what]


def test_calls_go_well_again_or_wrong(
    database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCOURS_SECRET_CRM", "s3cret")
    crm = Crm()

    async def story(port: int) -> None:
        allowed: dict[str, Any] = {"allow_private_addresses": True}
        async with open_shop(database_url, temporal_address, **allowed) as shop:
            _furnish(shop, port)
            await _identify(shop)
            for way in ("fine", "flaky", "refuse"):
                await shop.track("ada", "Go", way=way, n=7, item=way)
            await shop.until(shop.ended(3))
            assert _reasons(shop) == {
                "fine": "completed", "flaky": "completed", "refuse": "told nobody",
            }  # fmt: skip
            assert crm.calls == {"/fine": 1, "/flaky": 2, "/refuse": 1}
            for _, headers, body in crm.heard:
                assert headers["Authorization"] == "Bearer s3cret"
                assert body == {"who": "ada@example.com", "n": 7}
            keys = {path: set() for path in crm.calls}  # type: dict[str, set[str]]
            for path, headers, _ in crm.heard:
                keys[path].add(headers["Idempotency-Key"])
            assert [len(some) for some in keys.values()] == [1, 1, 1]
            assert len(set().union(*keys.values())) == 3
            states = {row.entry_key: row.state for row in shop.rows(tables.run)}
            assert states["fine"]["results"] == {"tell": {"item": "shoes"}}
            failed = _traced(shop, "call_failed")
            assert failed == [{"status": 400, "reason": "refused", "arm": "on_error"}]
            for row in shop.rows(tables.run):
                history = await shop.gateway.handle(str(row.id)).fetch_history()
                said = history.to_json()
                assert not any(word in said for word in ("s3cret", "example.com", "shoes"))
            stored = str([row._mapping for row in shop.rows(tables.run_trace)])
            assert "s3cret" not in stored + str(states)

    with serving(crm) as port:
        asyncio.run(story(port))


def test_a_slow_answer_is_asked_for_again_until_the_time_is_over(
    database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCOURS_SECRET_CRM", "s3cret")
    crm = Crm()

    async def story(port: int) -> None:
        allowed: dict[str, Any] = {"allow_private_addresses": True}
        async with open_shop(database_url, temporal_address, **allowed) as shop:
            _furnish(shop, port, retry_for="2s")
            await _identify(shop)
            await shop.track("ada", "Go", way="slow", n=1)
            await shop.until(shop.ended(1))
            assert _reasons(shop) == {"slow": "told nobody"}
            assert crm.calls["/slow"] >= 2
            assert [data["reason"] for data in _traced(shop, "call_failed")] == ["not_answered"]

    with serving(crm) as port:
        asyncio.run(story(port))


def test_an_exit_during_a_call_ends_the_run_at_once(
    database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCOURS_SECRET_CRM", "s3cret")
    crm = Crm()

    async def story(port: int) -> None:
        allowed: dict[str, Any] = {"allow_private_addresses": True}
        async with open_shop(database_url, temporal_address, **allowed) as shop:
            # The time of one attempt is longer than the test holds the answer back.
            put_template(shop.database, "kept")
            text = JOURNEY.format(port=port, retry_for="1d").replace("timeout: 1s", "timeout: 20s")
            shop.publish(text)
            await _identify(shop)
            await shop.track("ada", "Go", way="hold", n=1)
            await shop.until(crm.arrived.is_set)
            await shop.track("ada", "Order Completed")
            assert _reasons(shop) == {"hold": "purchased"}
            crm.go_on.set()
            run = str(shop.rows(tables.run)[0].id)
            await asyncio.wait_for(shop.gateway.handle(run).result(), 20)
            assert _traced(shop, "call_late") == [{"status": 200, "outcome": "done"}]
            assert shop.rows(tables.message) == []

    with serving(crm) as port:
        asyncio.run(story(port))


def test_this_machine_is_not_called_unless_allowed(
    database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCOURS_SECRET_CRM", "s3cret")
    crm = Crm()

    async def story(port: int) -> None:
        async with open_shop(database_url, temporal_address) as shop:
            _furnish(shop, port)
            await _identify(shop)
            await shop.track("ada", "Go", way="fine", n=1)
            await shop.until(shop.ended(1))
            assert _reasons(shop) == {"fine": "told nobody"}
            assert [data["reason"] for data in _traced(shop, "call_failed")] == ["not_allowed"]
            assert crm.heard == []

    with serving(crm) as port:
        asyncio.run(story(port))
