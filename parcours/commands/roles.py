"""`parcours web`, `worker` and `dispatcher`: one role each, for production."""

from typing import Annotated

import typer

from engine.settings import Settings
from parcours import logs
from parcours.embedded.addresses import reach


def web() -> None:
    """Serve the pages and the API."""
    _play("web")


def worker(
    queues: Annotated[str, typer.Option(help="Only these task queues, separated by commas.")] = "",
) -> None:
    """Run workflows and activities."""
    names = frozenset(name.strip() for name in queues.split(",") if name.strip())
    _play("worker", queues=names or None)


def dispatcher() -> None:
    """Sweep what is overdue, and tell Temporal what it has not been told."""
    _play("dispatcher")


def _play(role: str, *, queues: frozenset[str] | None = None) -> None:
    from parcours.serve import Role, run

    settings = Settings.load()
    logs.configure(settings.log_format)
    with reach(settings, temporal=True) as reached:
        run(reached, [Role(role)], queues=queues)
