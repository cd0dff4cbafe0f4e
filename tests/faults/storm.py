"""Kills parts of the product at random moments."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.faults.product import Product

BREATH = 5.0
"""Seconds that a process lives at least: one that is killed before it has begun tells nothing."""
A_BACKEND = 0.25
"""How often a session of PostgreSQL is killed instead of the server; it restarts either way."""


class Storm:
    """For some seconds every part dies about equally often, one every `gap` seconds on average."""

    def __init__(self, product: Product, rng: random.Random, *, seconds: float, gap: float) -> None:
        self.kills: Counter[str] = Counter()
        self._product = product
        self._rng = rng
        self._seconds = seconds
        self._gap = gap
        self._over = threading.Event()

    @contextmanager
    def raging(self) -> Iterator["Storm"]:
        """Rage in the background; at the end of the block the storm is over."""
        thread = threading.Thread(target=self._rage)
        thread.start()
        try:
            yield self
            thread.join()
        finally:
            self._over.set()
            thread.join()

    def _rage(self) -> None:
        deck: list[str] = []
        deadline = time.monotonic() + self._seconds
        while not self._over.wait(self._rng.uniform(0.1, 2 * self._gap - 0.1)):
            if time.monotonic() > deadline:
                return
            if not deck:
                deck = [*self._product.parts]
                self._rng.shuffle(deck)
            part = deck.pop()
            with suppress(psutil.NoSuchProcess):
                if (victim := self._victim(part)) is not None:
                    victim.kill()
                    self.kills[part] += 1
                    continue
            deck.insert(0, part)  # it has not come back yet: later

    def _victim(self, part: str) -> psutil.Process | None:
        born_before = time.time() - BREATH
        living = [
            process
            for process in self._product.processes(part)
            if process.create_time() < born_before
        ]
        if part == "PostgreSQL" and living and self._rng.random() < A_BACKEND:
            living = living[0].children() or living
        return self._rng.choice(living) if living else None
