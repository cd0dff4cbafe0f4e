"""`parcours db`: the database's schema."""

import typer

from engine.settings import Settings
from parcours.embedded.addresses import reach

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The database's schema."""


@app.command()
def upgrade() -> None:
    """Bring the database to this release's schema."""
    from engine.store.migrate import upgrade as bring_up

    with reach(Settings.load()) as settings:
        bring_up(settings.database_url)
    typer.echo("The database has this release's schema.")
