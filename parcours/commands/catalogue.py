"""`parcours catalogue`: what is kept of orders and of interests in products."""

import typer

from engine.settings import Settings
from parcours.embedded.addresses import reach

app = typer.Typer(help="What is kept of orders and products.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """What is kept of orders and products."""


@app.command()
def rebuild() -> None:
    """Read orders and interests in products anew out of every event there is.

    Once after an upgrade from a release that kept no orders. Doing it again changes nothing.
    """
    from engine.flow import shopping
    from engine.store.session import Database
    from parcours.imports.progress import progress

    with reach(Settings.load()) as settings:
        database = Database(settings.database_url, pool_size=2)
        try:
            with progress("Events read") as shown:
                read = shopping.rebuild(database, shown.reach)
        finally:
            database.close()
    typer.echo(f"{read:,} events about orders and products are read.")
