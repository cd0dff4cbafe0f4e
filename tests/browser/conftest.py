"""The pages in Chromium: a server on a small shop, and browsers of each size and look."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from designer.app import create_app
from designer.login.links import login_link
from engine.flow import drafting
from engine.model.actor import COMMAND_LINE
from engine.settings import Settings
from engine.store import documents
from engine.store.session import Database
from parcours.embedded.process import free_port

# A busy machine is no reason to fail.
expect.set_options(timeout=20_000)

SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
MEANT = ("404 (Not Found)", "409 (Conflict)", "422 (Unprocessable")
"""What the browser says of pages that are not there, of edits that come too late, and of forms that
come back to be mended."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Site:
    """A running server, and the database behind it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.app = create_app(settings)
        config = uvicorn.Config(
            self.app, host="127.0.0.1", port=settings.port, log_config=None, ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()))

    @property
    def url(self) -> str:
        return self.settings.url

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self) -> float:
        """End as the product does; return how long that took."""
        begun = time.monotonic()
        self.app.state.streams.close()
        self._server.should_exit = True
        self._thread.join(10)
        self.database.close()
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def site(shop_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings.load(
        database_url=shop_url, data_dir=tmp_path_factory.mktemp("data"), port=free_port()
    )
    running = Site(settings)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser for one module: while it is open, no other test could run an event loop."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def opens(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a browser of a size and look; nothing may be said on its console."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def open_(
        size: str = "desk", look: Any = "light", language: str = "en-GB", *, known: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            color_scheme=look,
            locale=language,
            base_url=site.url,
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "console",
            lambda message: said.append(message.text) if message.type == "error" else None,
        )
        if known:
            page.goto(login_link(site.settings))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not [line for line in said if not any(answer in line for answer in MEANT)]


@pytest.fixture
def drawn(site: Site) -> Iterator[Callable[..., str]]:
    """Make a draft of steps, deleted in the end; gives its id."""
    ids: list[str] = []

    def draw(*steps: dict[str, Any]) -> str:
        id_ = f"drawn-{uuid4().hex[:8]}"
        entry = {"on": {"event": "Product Added"}}
        document = {"id": id_, "name": "Drawn", "entry": entry, "topic": "news", "steps": [*steps]}
        drafting.create(site.database, document, actor=COMMAND_LINE)
        ids.append(id_)
        return id_

    yield draw
    for id_ in ids:
        site.database.transact(lambda c, id_=id_: documents.delete_draft(c, id_))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are put; `PARCOURS_TEST_PICTURES` names another place."""
    given = os.environ.get("PARCOURS_TEST_PICTURES")
    folder = Path(given) if given else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
