"""What an edit on the canvas costs: the server's time, the bytes that it sends, and until it is seen.

A step is inserted and taken out again, by turns, in journeys of 13 and of 200 steps, through the
whole web application in this process, database and compression included. The server's time is
counted from when the application is given the request until it has given the last of the answer.
Then a step is duplicated by its key in Chromium, before a server of its own, and the page measures
until the new tree is painted.

    python bench/designer.py [--edits 200] [--quick] [--json]
"""

import argparse
import gzip
import re
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from _keys import chromium, keys
from _stack import machine, report

# This script's own name would hide the package.
sys.path.remove(str(Path(__file__).resolve().parent))

from designer.app import create_app
from designer.login.links import login_link
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.model.template import Template
from engine.settings import Settings
from engine.store import documents
from engine.store.migrate import upgrade
from engine.store.session import Database
from parcours.embedded.postgres import Postgres
from parcours.embedded.process import free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

SIZES = (13, 200)


def steps(size: int) -> list[dict[str, Any]]:
    """Return so many steps: messages, waits, and a branch for every ten."""
    made: list[dict[str, Any]] = []
    n = 0
    while n < size:
        room = size - n
        if room >= 10:
            inner = [_step(n + k) for k in range(1, 10)]
            condition = {"event": "Order Completed", "within": "30d"}
            arms = [{"id": "yes", "if": condition, "then": inner[:5]}]
            made.append({"id": f"s{n}", "type": "branch", "arms": arms, "else": inner[5:]})
            n += 10
        else:
            made.append(_step(n))
            n += 1
    return made


def _step(n: int) -> dict[str, Any]:
    if n % 2:
        return {"id": f"s{n}", "type": "wait", "for": f"{n + 1}h"}
    return {"id": f"s{n}", "type": "send", "channel": "email", "template": "t", "name": f"Mail {n}"}


def furnish(database: Database) -> None:
    """Make a template and the journeys."""
    template = {"id": "t", "name": "Hello", "channel": "email", "locales": {"en": {"body": "x"}}}
    database.transact(lambda c: documents.put_template(c, Template.model_validate(template)))
    for size in SIZES:
        entry = {"on": {"event": "Product Added"}}
        document = {"id": f"j{size}", "name": f"{size} steps", "entry": entry, "topic": "offers",
                    "steps": steps(size)}  # fmt: skip
        drafting.create(database, document, actor=COMMAND_LINE)


class Timed:
    """An application, with the seconds that its last answer took."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.took = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and take down how long that took."""
        started = time.perf_counter()
        await self._app(scope, receive, send)
        self.took = time.perf_counter() - started


class Canvas:
    """Somebody who edits a journey."""

    def __init__(self, client: Any, timed: Timed, journey: str) -> None:
        self._client, self._timed, self._journey = client, timed, journey
        page = client.get(f"/journeys/{journey}?show=draft").text
        token = re.search(r'X-CSRF-Token": "([^"]+)"', page.replace("&#34;", '"'))
        assert token is not None
        self._headers = {"HX-Request": "true", "X-CSRF-Token": token[1]}
        self._rev = self._found(page)

    @staticmethod
    def _found(text: str) -> str:
        found = re.search(r'name="rev" value="(\d+)"', text)
        assert found is not None
        return found[1]

    def edit(self, op: str, **fields: str) -> tuple[float, bytes]:
        """Make an edit; return the seconds until it was answered, and the answer."""
        answer = self._client.post(
            f"/journeys/{self._journey}/ops",
            data={"op": op, "rev": self._rev, **fields},
            headers=self._headers,
        )
        took = self._timed.took
        assert answer.status_code == 200, answer.text
        self._rev = self._found(answer.text)
        return took, answer.content


def measure(edits: int, pressed: int) -> dict[str, Any]:
    """Measure edits of each size: so many on the server, so many pressed in a browser."""
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as name,
        Postgres(Path(name)).running() as url,
    ):
        upgrade(url)
        database = Database(url)
        furnish(database)
        settings = Settings.load(
            _env_file=None, database_url=url, data_dir=Path(name), public_url="http://testserver"
        )
        figures: dict[str, Any] = {"machine": machine(), "edits": edits}
        timed = Timed(create_app(settings))
        with TestClient(timed, follow_redirects=False) as client:
            client.get(login_link(settings).removeprefix("http://testserver"))
            for size in SIZES:
                figures[f"steps_{size}"] = _size(Canvas(client, timed, f"j{size}"), edits)
                print(f"{size} steps: {figures[f'steps_{size}']}", file=sys.stderr)
        database.close()
        _in_browser(
            figures,
            Settings.load(_env_file=None, database_url=url, data_dir=Path(name), port=free_port()),
            pressed,
        )
    return figures


def _in_browser(figures: dict[str, Any], settings: Settings, pressed: int) -> None:
    path = chromium()
    if path is None:
        print(
            "From key to paint is left out: it needs Chromium (apt-get install chromium, or name "
            "it in PARCOURS_TEST_CHROMIUM).",
            file=sys.stderr,
        )
        return
    journeys = {f"steps_{size}": f"j{size}" for size in SIZES}
    for name, found in keys(settings, login_link(settings), path, journeys, pressed).items():
        figures[name] |= found
        print(f"{name.replace('_', ' ')}: {found}", file=sys.stderr)


def _size(canvas: Canvas, edits: int) -> dict[str, float]:
    times, plain, packed = [], [], []
    for n in range(-5, edits):
        took, answer = canvas.edit("insert", type="wait", slot=":s0")
        canvas.edit("undo")
        if n >= 0:
            times.append(took * 1000)
            plain.append(len(answer))
            packed.append(len(gzip.compress(answer, 6)))
    return {
        "server_ms": round(statistics.median(times), 1),
        "server_ms_p95": round(sorted(times)[int(len(times) * 0.95)], 1),
        "bytes": int(statistics.median(plain)),
        "bytes_gzipped": int(statistics.median(packed)),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    report(
        measure(20 if given.quick else given.edits, 20 if given.quick else 60), as_json=given.json
    )


if __name__ == "__main__":
    main()
