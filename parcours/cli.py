"""The command `parcours`.

A noun is a module of `parcours.commands` with a typer `app`, and one line here. These
modules import what is heavy (database, web, workflows) inside their functions, so that
every command starts quickly and `up`, which only supervises, stays small.
"""

import sys
import traceback
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from engine.errors import ParcoursError
from parcours.commands import (
    catalogue,
    db,
    demo,
    doctor,
    imports,
    journey,
    key,
    roles,
    runs,
    up,
    user,
)

app = typer.Typer(
    name="parcours",
    help="Customer journeys for retailers and shops.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(up.up)
app.command()(roles.web)
app.command()(roles.worker)
app.command()(roles.dispatcher)
app.command()(doctor.doctor)
app.add_typer(db.app, name="db")
app.add_typer(demo.app, name="demo")
app.add_typer(imports.app, name="import")
app.add_typer(journey.app, name="journey")
app.add_typer(key.app, name="key")
app.add_typer(runs.app, name="runs")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(user.app, name="user")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"parcours {installed_version('parcours')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    debug: Annotated[  # read by `main`, which also shows errors before this runs
        bool, typer.Option("--debug", help="Show where an error comes from.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Customer journeys for retailers and shops."""


def main() -> None:
    """Run the command line; an error is a sentence on standard error and an exit code."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    # It may stand after the command too, where one adds it on the second try.
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app(arguments)
    except Exception as error:  # noqa: BLE001 - the last one who can turn it into a sentence
        if debug:
            traceback.print_exc()
        sys.stderr.write(f"{sentence(error)}\n")
        sys.exit(error.exit_code if isinstance(error, ParcoursError) else 1)


def sentence(error: Exception) -> str:
    """What to tell the person at the terminal."""
    if isinstance(error, ParcoursError):
        return str(error)
    first = (str(error).strip().splitlines() or [""])[0]
    # By name: importing the drivers to compare with would slow every command.
    if type(error).__name__ in {"OperationalError", "InterfaceError"}:
        return f"The database does not answer: {first}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return f"Unexpected {type(error).__name__}: {first} (--debug shows where)"


if __name__ == "__main__":
    main()
