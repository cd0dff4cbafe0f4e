"""`parcours key`: keys for programs, made, listed and revoked."""

import json
from typing import Annotated
from uuid import UUID

import typer

from engine.errors import InvalidInput
from engine.model.actor import COMMAND_LINE
from engine.settings import Settings

app = typer.Typer(help="Keys for programs.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    *,
    role: Annotated[
        str, typer.Option(help="source (a write key for events), viewer, …, administrator.")
    ],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Make a key; it is shown this once."""
    from engine.flow import keys
    from parcours import documents

    with documents.database(Settings.load()) as database:
        made = keys.create(database, role, name, actor=COMMAND_LINE)
    if as_json:
        typer.echo(json.dumps({"id": str(made.id), "role": made.role, "key": made.secret}))
    else:
        typer.echo(made.secret)
        typer.echo(
            f"A key of the role {made.role}, shown this once; its id is {made.id}.", err=True
        )


@app.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    from engine.store import keys
    from parcours import documents

    with documents.database(Settings.load()) as database, database.read() as connection:
        rows = sorted(keys.every(connection), key=lambda key: key.id)
    if as_json:
        listed = [
            {
                "id": str(row.id),
                "role": row.role,
                "name": row.name,
                "created_at": row.created_at.isoformat(),
                "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in rows
        ]
        typer.echo(json.dumps(listed))
        return
    for row in rows:
        state = f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else "good"
        typer.echo(f"{row.id}  {row.role:<13}  {row.created_at:%Y-%m-%d}  {state}  {row.name}")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="The key's id.")]) -> None:
    """Make a key worthless, for good."""
    from engine.flow import keys
    from parcours import documents

    try:
        key_id = UUID(key)
    except ValueError:
        raise InvalidInput("A key is revoked by its id, which `parcours key list` shows.") from None
    with documents.database(Settings.load()) as database:
        keys.revoke(database, key_id, actor=COMMAND_LINE)
    typer.echo("The key is revoked; what remembers it forgets it within seconds.")
