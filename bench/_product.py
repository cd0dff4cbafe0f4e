"""The product as `parcours up` starts it, and a client for its HTTP interface."""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any


class Client:
    """One connection to the product, with a key."""

    def __init__(self, port: int, key: str, *, source: bool = False) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        secret = base64.b64encode(f"{key}:".encode()).decode()
        self._authorization = f"Basic {secret}" if source else f"Bearer {key}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call and return the JSON that is answered; anything but 2xx ends the measurement."""
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        data = json.dumps(body) if body is not None else None
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status // 100 != 2:
            raise SystemExit(f"{method} {path} answered {answer.status}: {text.decode()}")
        return json.loads(text) if text else None


@dataclass(frozen=True)
class Product:
    """Where it listens, a source key, an administrator's key, and its supervisor's process id."""

    port: int
    source: str
    key: str
    pid: int


@contextmanager
def product() -> Iterator[Product]:
    """Run `parcours up` for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="parcours-bench-") as directory:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {**os.environ, "PARCOURS_DATA_DIR": directory, "PARCOURS_PORT": str(port)}
        command = [sys.executable, "-m", "parcours"]
        process = subprocess.Popen(
            [*command, "up"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_ready(port)
            source, key = (_key(command, environment, role) for role in ("source", "administrator"))
            yield Product(port, source, key, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _key(command: list[str], environment: dict[str, str], role: str) -> str:
    made = subprocess.run(
        [*command, "key", "create", "--role", role, "--json"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    key: str = json.loads(made.stdout)["key"]
    return key


def _wait_ready(port: int) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        try:
            Client(port, "").call("GET", "/readyz")
        except (OSError, SystemExit):
            time.sleep(0.3)
        else:
            return
    raise SystemExit("the product did not start")
