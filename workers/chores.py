"""What is done in the background, a little at a time: each chore on its own, whatever others do."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from temporalio.service import RPCError

from engine.errors import Unavailable, without_words
from engine.flow import (
    announcing,
    building,
    computing,
    dates,
    freezing,
    holding,
    intervening,
    memberships,
    starting,
    suspecting,
    timing,
)
from engine.store.session import Database

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Some work that is done again and again: `every` so many seconds.

    When it returns true there is more to do, and it is done again after `busy` seconds.
    """

    work: Callable[[Database], object]
    every: float = 1.0
    busy: float | None = None


def chores() -> tuple[Chore, ...]:
    """Return everything that is done in the background."""
    return (
        # So many at a time that what they wake does not all come at once.
        Chore(holding.let_go),
        Chore(holding.end_inside),
        Chore(intervening.carry_out),
        Chore(timing.keep_up),
        Chore(timing.begin_due),
        Chore(dates.fill, busy=0.2),
        Chore(dates.come, busy=0.0),
        Chore(starting.go_on),
        Chore(memberships.sweep, busy=0.0),
        Chore(building.carry_on, busy=0.0),
        Chore(computing.due, busy=0.0),
        Chore(computing.carry_on, busy=0.1),
        Chore(freezing.freeze_due, every=10.0),
        Chore(memberships.note_sizes, every=1800.0),
        Chore(announcing.carry_out),
        Chore(announcing.forget, every=3600.0),
        Chore(suspecting.look_on, every=60.0, busy=1.0),
    )


THREADS: Final = 4
"""Chores that are done at the same time, at most."""


async def do_chores(database: Database, some: tuple[Chore, ...] | None = None) -> None:
    """Do the chores until cancelled; what fails is tried again, and holds up nothing else."""
    places = asyncio.Semaphore(THREADS)
    await asyncio.gather(*(_keep_doing(database, chore, places) for chore in some or chores()))


async def _keep_doing(database: Database, chore: Chore, places: asyncio.Semaphore) -> None:
    while True:
        async with places:
            more = await _carefully(database, chore)
        await asyncio.sleep(chore.busy if more and chore.busy is not None else chore.every)


async def _carefully(database: Database, chore: Chore) -> bool:
    try:
        return bool(await asyncio.to_thread(chore.work, database))
    except (Unavailable, RPCError) as error:
        _log.warning("The work in the background was interrupted: %s", error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to go on
        _log.error("The work in the background was interrupted: %s", without_words(error))
    return False
