"""What all doubles are made of: a server on loopback that obeys orders, and signed callbacks."""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message as Headers
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import TracebackType
from typing import Any, ClassVar, Literal, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asks of the provider."""

    method: str
    target: str
    headers: Headers
    body: bytes

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def content_type(self) -> str:
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the provider answers; `body` goes out as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What becomes of a sending: refused with `status`; if accepted, answered late or cut off."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    slow: float = 0.0
    """Seconds between accepting and answering."""
    cut: Literal["", "unread", "accepted"] = ""


def throttled(seconds: float | None = 1) -> Order:
    """429, with Retry-After unless None."""
    return Order(status=429, headers={} if seconds is None else {"Retry-After": f"{seconds}"})


def broken(status: int = 500, **headers: str) -> Order:
    """An answer of 5xx: nothing was accepted."""
    return Order(status=status, headers=headers)


def slow(seconds: float) -> Order:
    """Accepted at once, answered late."""
    return Order(slow=seconds)


def cut() -> Order:
    """Accepted, and hung up instead of an answer."""
    return Order(cut="accepted")


def cut_unread() -> Order:
    """Hung up before anything was accepted; the caller cannot tell it from `cut`."""
    return Order(cut="unread")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A signed request of the provider to us."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def post(self) -> int:
        """Send it; return the status of the answer, 0 for none."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", target, self.body, dict(self.headers))
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()


def post(
    callbacks: Sequence[Callback],
    *,
    delay: float = 0,
    copies: int = 1,
    chance: Random | None = None,
) -> list[int]:
    """Send callbacks late, several times, and out of order when given `chance`."""
    time.sleep(delay)
    sent = [callback for callback in callbacks for _ in range(copies)]
    if chance is not None:
        chance.shuffle(sent)
    return [callback.post() for callback in sent]


class Double:
    """A provider on loopback. `answer` is the vendor's; the rest is told by orders."""

    sending: ClassVar[str]
    """How the path ends of the requests that orders are about."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.always: Order | None = None
        """What becomes of every sending for which no order is left."""
        self._orders: deque[Order] = deque()
        self._tell: dict[str, Any] | None = None
        self._telling: list[threading.Thread] = []
        self._mistakes: list[BaseException] = []
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def answer(self, request: Request) -> Reply:
        """Check a request as the vendor does, accept it, and answer."""
        raise NotImplementedError

    def problem(self, status: int) -> Any:
        """The vendor's body of an answer of 429 or 5xx."""
        raise NotImplementedError

    def order(self, *orders: Order) -> None:
        """Say what becomes of the next sendings, one order each."""
        self._orders.extend(orders)

    def tell(self, url: str, *, delay: float = 0, copies: int = 1, seed: int | None = None) -> None:
        """From now on, call `url` back about what is accepted; `seed` puts it out of order."""
        chance = None if seed is None else Random(seed)
        self._tell = {"url": url, "delay": delay, "copies": copies, "chance": chance}

    def told(self, url: str, message: Any) -> Sequence[Callback]:
        """The callbacks that follow an accepted message."""
        raise NotImplementedError

    def accept(self, messages: list[Any], message: Any) -> None:
        """Keep what was accepted, and call back if told to."""
        with self._lock:
            messages.append(message)
        if self._tell is not None:
            given = dict(self._tell)
            callbacks = self.told(given.pop("url"), message)
            thread = threading.Thread(target=post, args=(callbacks,), kwargs=given)
            self._telling.append(thread)
            thread.start()

    def settle(self) -> None:
        """Wait until every callback has been sent."""
        for thread in self._telling:
            thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.settle()
        if self._mistakes:
            raise self._mistakes[0]

    def _serve(self, request: Request) -> Reply | None:
        """Answer as ordered; None hangs up."""
        with self._lock:
            self.requests.append(request)
            order = None
            if request.method == "POST" and request.path.endswith(self.sending):
                order = self._orders.popleft() if self._orders else self.always
        if order is None:
            return self.answer(request)
        if order.cut == "unread":
            return None
        if order.status:
            body = self.problem(order.status)
            return Reply(status=order.status, body=body, headers=order.headers)
        reply = self.answer(request)
        if reply.status >= 300:
            return reply
        self._closing.wait(order.slow)
        return None if order.cut else reply


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 512

    def __init__(self, double: Double) -> None:
        self.double = double
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        import sys

        error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.double._mistakes.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.server.double._serve(
            Request(method=self.command, target=self.path, headers=self.headers, body=body)
        )
        if reply is not None:
            self._write(reply)

    def _write(self, reply: Reply) -> None:
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        if reply.body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # who asked may have gone
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass
