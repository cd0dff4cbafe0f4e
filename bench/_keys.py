"""From a key to the screen: how long an edit takes for somebody who sits before the canvas.

The product's own server in a process of its own, Debian's Chromium over the loopback. The page
measures itself: from `keydown` to the second frame after the new tree is in the document.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from engine.settings import Settings

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
PROBE = """() => {
  const zoomed = document.querySelector("[data-zoomed]");
  const cards = () => document.querySelectorAll(".step-card").length;
  const frame = () => new Promise(requestAnimationFrame);
  window.pressed = null;
  addEventListener("keydown", (event) => {
    if (event.key === "Control") return;
    performance.clearResourceTimings();
    const began = performance.now();
    const before = cards();
    window.pressed = new Promise((resolve) => {
      const observer = new MutationObserver(async () => {
        if (cards() === before) return;
        observer.disconnect();
        await frame();
        await frame();
        const painted = performance.now();
        const asked = performance.getEntriesByType("resource").find((one) => one.name.endsWith("/ops"));
        resolve([painted - began, asked.responseEnd - asked.startTime]);
      });
      observer.observe(zoomed, { childList: true, subtree: true });
    });
  }, { capture: true });
}"""
"""Both are milliseconds: until it was painted, and what of that was waiting for the answer."""


def chromium() -> str | None:
    """Return the path of the browser, if there is one."""
    given = os.environ.get("PARCOURS_TEST_CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Run `parcours web` for as long as the block lasts; give its address."""
    environment = {
        **os.environ,
        "PARCOURS_DATABASE_URL": settings.database_url,
        "PARCOURS_DATA_DIR": str(settings.data_dir),
        "PARCOURS_PORT": str(settings.port),
        "PARCOURS_TEMPORAL_ADDRESS": "127.0.0.1:9",  # nobody is there: no edit asks for it
    }
    command = [sys.executable, "-m", "parcours", "web"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            if not _answers(settings.url, process):
                log.seek(0)
                raise SystemExit(f"The server did not start: {log.read().decode()}")
            yield settings.url
        finally:
            process.terminate()


def _answers(url: str, process: "subprocess.Popen[bytes]", seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/login", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return True
    return False


def keys(
    settings: Settings, login: str, browser_path: str, journeys: dict[str, str], edits: int
) -> dict[str, Any]:
    """Duplicate a step by its key so often in each journey, and take it back."""
    from playwright.sync_api import sync_playwright

    figures: dict[str, Any] = {}
    with served(settings) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(login)
        for name, journey in journeys.items():
            page.goto(f"{url}/journeys/{journey}?show=draft")
            page.evaluate(PROBE)
            figures[name] = _size(page, edits)
        browser.close()
    return figures


def _size(page: Any, edits: int) -> dict[str, float]:
    painted, waited = [], []
    for n in range(-3, edits):
        page.locator("#s-s1").focus()
        page.keyboard.press("d")
        took, waiting = page.evaluate("() => window.pressed")
        page.keyboard.press("Control+z")
        page.evaluate("() => window.pressed")
        if n >= 0:
            painted.append(took)
            waited.append(waiting)
    return {
        "key_to_paint_ms": round(statistics.median(painted), 1),
        "key_to_paint_ms_p95": round(sorted(painted)[int(len(painted) * 0.95)], 1),
        "waiting_ms": round(statistics.median(waited), 1),
    }
