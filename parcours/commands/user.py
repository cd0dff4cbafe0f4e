"""`parcours user`: people who log in to the pages."""

import json
from typing import Annotated

import typer

from engine.model.actor import COMMAND_LINE
from engine.settings import Settings

app = typer.Typer(help="People who log in to the pages.", no_args_is_help=True)


@app.callback()
def people() -> None:
    """People who log in to the pages."""


@app.command()
def create(
    *,
    email: Annotated[str, typer.Option(help="The address to log in with.")],
    role: Annotated[
        str, typer.Option(help="viewer, staff, marketer, publisher, steward or administrator.")
    ],
    name: Annotated[str, typer.Option(help="What to call them.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Add somebody, and print the link by which a password is set: once, within 7 days."""
    from designer.login.links import password_link
    from engine.flow import people as flow
    from parcours import documents
    from parcours.embedded import addresses

    settings = Settings.load()
    running = addresses.read(settings.data_dir)
    # A running `up` may have been given another port than the settings say.
    url = settings.public_url or (running.url if running else settings.url)
    with documents.database(settings) as database:
        user = flow.invite(database, email, name, role, actor=COMMAND_LINE)
    link = password_link(settings.signing_key(), url, user)
    if as_json:
        typer.echo(
            json.dumps({"id": str(user.id), "email": user.email, "role": user.role, "link": link})
        )
    else:
        typer.echo(link)
        typer.echo(f"{user.email} chooses a password by this link, once, within 7 days.", err=True)
