"""A sign of life for container health checks: roles without a port have no other.

    python -m parcours.alive ROLE

ends with 0 when the role's event loop has turned within the last half minute.
"""

import asyncio
import sys
import time
from pathlib import Path

from engine.settings import Settings

EVERY = 10.0
PATIENCE = 30.0


async def beat(data_dir: Path, role: str) -> None:
    """Touch the role's file every few seconds, until cancelled."""
    file = _file(data_dir, role)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        file.touch()
        await asyncio.sleep(EVERY)


def is_alive(data_dir: Path, role: str) -> bool:
    """Whether the role gave a sign of life lately."""
    try:
        return time.time() - _file(data_dir, role).stat().st_mtime < PATIENCE
    except FileNotFoundError:
        return False


def _file(data_dir: Path, role: str) -> Path:
    return data_dir / f"{role}.alive"


if __name__ == "__main__":
    sys.exit(0 if is_alive(Settings.load().data_dir, sys.argv[1]) else 1)
