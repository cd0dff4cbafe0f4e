"""`parcours key`: keys for programs, made, listed and revoked."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from engine.errors import InvalidInput
from engine.settings import Settings
from parcours.embedded.addresses import reach

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

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
    from engine.store import keys

    made = _transact(lambda connection: keys.create(connection, role, name))
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
    from sqlalchemy import select

    from engine.store import tables

    columns = tables.api_key.c
    query = select(
        columns.id, columns.role, columns.name, columns.created_at, columns.revoked_at
    ).order_by(columns.id)
    rows = _transact(lambda connection: connection.execute(query).all())
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
    from engine.store import keys

    try:
        key_id = UUID(key)
    except ValueError:
        raise InvalidInput("A key is revoked by its id, which `parcours key list` shows.") from None
    _transact(lambda connection: keys.revoke(connection, key_id))
    typer.echo("The key is revoked; what remembers it forgets it within seconds.")


def _transact(work: "Callable[[Connection], T]") -> T:
    with reach(Settings.load()) as settings:
        from engine.store.session import Database

        database = Database(settings.database_url, pool_size=1)
        try:
            return database.transact(work)
        finally:
            database.close()
