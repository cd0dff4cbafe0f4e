"""Where the running embedded servers are, so that other commands reach them."""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from engine.errors import Conflict, Unavailable
from engine.settings import Settings
from parcours.embedded.postgres import Postgres, make_data_directory

log = structlog.get_logger()

PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What `parcours up` says of itself while it runs."""

    pid: int
    url: str
    database_url: str
    temporal_address: str


def write(data_dir: Path, addresses: Addresses) -> None:
    """Leave the addresses for other commands; they hold the database's password."""
    handle, temporary = tempfile.mkstemp(dir=data_dir, prefix=".addresses-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(addresses), file, indent=2)
    Path(temporary).replace(_file(data_dir))


def read(data_dir: Path) -> Addresses | None:
    """What a running `up` has left, if one runs."""
    if not is_held(data_dir):
        return None
    try:
        return Addresses(**json.loads(_file(data_dir).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def forget(data_dir: Path) -> None:
    """Take the addresses away when the servers end."""
    _file(data_dir).unlink(missing_ok=True)


@contextmanager
def hold(data_dir: Path) -> Iterator[None]:
    """Be the one process that runs servers on this directory.

    The system lets go of the lock when the process ends, however it ends.

    Raises:
        Conflict: another process does already.
    """
    make_data_directory(data_dir)
    with _lock_file(data_dir).open("a+", encoding="ascii") as file:
        if not _locked(file.fileno()):
            file.seek(0)
            raise Conflict(
                f"Another parcours (process {file.read().strip() or 'unknown'}) runs its servers "
                f"in {data_dir}: stop it, or set PARCOURS_DATA_DIR to another directory."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        forget(data_dir)
        yield


def _locked(descriptor: int) -> bool:
    # `is_held` takes the lock too, for some microseconds: once is not enough to know.
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def is_held(data_dir: Path) -> bool:
    """Whether a process runs servers on this directory now."""
    try:
        with _lock_file(data_dir).open("r", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def reach(settings: Settings, *, temporal: bool = False) -> Iterator[Settings]:
    """Settings with the addresses filled in, for the length of a command.

    What is set stays. What is empty is the running `up`'s; when none runs, an embedded
    PostgreSQL is started, and brought to this release's schema, for as long as the block.

    Raises:
        Unavailable: `temporal` is wanted, and neither set nor running.
    """
    with ExitStack() as stack:
        deadline = time.monotonic() + PATIENCE
        while True:
            found = read(settings.data_dir)
            if settings.database_url or found is not None:
                break
            try:
                stack.enter_context(hold(settings.data_dir))
            except Conflict:
                # Another command has the database to itself, or `up` is just starting.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
                continue
            settings = settings.model_copy(
                update={"database_url": stack.enter_context(_database(settings.data_dir))}
            )
            break
        if found is not None:
            settings = settings.model_copy(
                update={
                    "database_url": settings.database_url or found.database_url,
                    "temporal_address": settings.temporal_address or found.temporal_address,
                }
            )
        if temporal and not settings.temporal_address:
            raise Unavailable(
                "No Temporal is known: start `parcours up`, or set PARCOURS_TEMPORAL_ADDRESS."
            )
        yield settings


@contextmanager
def _database(data_dir: Path) -> Iterator[str]:
    from engine.store.migrate import upgrade

    with Postgres(data_dir).running() as url:
        upgrade(url)
        yield url


def _file(data_dir: Path) -> Path:
    return data_dir / "addresses.json"


def _lock_file(data_dir: Path) -> Path:
    return data_dir / "lock"
