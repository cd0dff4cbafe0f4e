"""`parcours runs`: the customers' runs and their workflows."""

import asyncio
import json
from typing import Annotated

import typer

from engine.settings import Settings
from parcours import logs
from parcours.embedded.addresses import reach

app = typer.Typer(help="The customers' runs and their workflows.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The customers' runs and their workflows."""


@app.command()
def recover(
    *,
    rate: Annotated[
        float, typer.Option(min=0.1, help="Workflows a second, so that others get their turn.")
    ] = 40.0,
    after: Annotated[
        str, typer.Option(help="Go on after this run, where an earlier recovery stopped.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Rebuild every run's workflow from the database, ending those that exist.

    For a Temporal that is new or has lost its data, and after a restored backup. A run that was
    rebuilt twice is as good as once.
    """
    from parcours.recover import parse_run
    from parcours.recover import recover as rebuild

    start = parse_run(after) if after else None
    settings = Settings.load()
    logs.configure(settings.log_format)
    with reach(settings, temporal=True) as reached:
        recovered = asyncio.run(rebuild(reached, rate=rate, after=start))
    if as_json:
        typer.echo(json.dumps({"rebuilt": recovered.rebuilt, "held_out": recovered.held_out}))
        return
    typer.echo(f"{recovered.rebuilt:,} workflows are rebuilt from the database.")
    if recovered.held_out:
        typer.echo(f"{recovered.held_out:,} runs of customers held out need none.")
