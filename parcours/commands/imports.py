"""`parcours import`: customers, events, orders, products and the like out of files."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import Unavailable
from engine.settings import Settings
from parcours.embedded.addresses import reach

if TYPE_CHECKING:
    from parcours.imports.job import Report

app = typer.Typer(help="Customers, events, orders and products out of files.", no_args_is_help=True)

File = Annotated[
    Path,
    typer.Argument(
        exists=True, dir_okay=False, readable=True, help="JSON lines or CSV, with a header."
    ),
]
Format = Annotated[str | None, typer.Option("--format", help="jsonl or csv; else as named.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an import stopped.")]
Json = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]


@app.command()
def customers(
    file: File, *, format_: Format = None, resume: Resume = False, as_json: Json = False
) -> None:
    """Import customers: their ids, traits, locale and time zone.

    What is known of a customer already is added to. Rejected lines go, with their reasons, into
    FILE.rejected.jsonl; the exit code is then 1.
    """
    _run(
        file,
        format_,
        lambda job, database, kind: job.import_customers(database, file, kind, resume=resume),
        ("customers", "known before"),
        as_json=as_json,
    )


@app.command()
def events(
    file: File,
    *,
    format_: Format = None,
    start_journeys: Annotated[
        bool, typer.Option("--start-journeys", help="Let events open journeys, as if just sent.")
    ] = False,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Import events of the past, each once; the same file again changes nothing.

    Rejected lines go, with their reasons, into FILE.rejected.jsonl; the exit code is then 1.
    """
    _run(
        file,
        format_,
        lambda job, database, kind: job.import_events(
            database, file, kind, start_journeys=start_journeys, resume=resume
        ),
        ("events", "stored before"),
        as_json=as_json,
    )


@app.command()
def unsubscribes(
    file: File, *, format_: Format = None, resume: Resume = False, as_json: Json = False
) -> None:
    """Import a former tool's unsubscribes, bounces and complaints.

    Each line names an email, phone or external_id, and may name a topic, channel, reason and at.
    An address without a topic is not written to any more, whoever has it. Rejected lines go, with
    their reasons, into FILE.rejected.jsonl; the exit code is then 1.
    """
    _run(
        file,
        format_,
        lambda job, database, kind: job.import_unsubscribes(database, file, kind, resume=resume),
        ("unsubscribes", "known before"),
        as_json=as_json,
    )


@app.command()
def products(
    file: File, *, format_: Format = None, resume: Resume = False, as_json: Json = False
) -> None:
    """Import products: sku, name, categories (parted by |), price, currency, picture, link.

    One that is known is replaced. Rejected lines go, with their reasons, into
    FILE.rejected.jsonl; the exit code is then 1.
    """
    _run(
        file,
        format_,
        lambda job, database, kind: job.import_products(database, file, kind, resume=resume),
        ("products", "known before"),
        as_json=as_json,
    )


@app.command()
def stock(
    file: File, *, format_: Format = None, resume: Resume = False, as_json: Json = False
) -> None:
    """Import how much is where: sku, shop, quantity.

    Rejected lines go, with their reasons, into FILE.rejected.jsonl; the exit code is then 1.
    """
    _run(
        file,
        format_,
        lambda job, database, kind: job.import_stock(database, file, kind, resume=resume),
        ("lines of stock", "known before"),
        as_json=as_json,
    )


@app.command()
def orders(
    file: File,
    *,
    format_: Format = None,
    start_journeys: Annotated[
        bool, typer.Option("--start-journeys", help="Let orders open journeys, as if just placed.")
    ] = False,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Import orders of the past, each once, with the event that each is.

    In CSV, lines and payments are lists in JSON. Rejected lines go, with their reasons, into
    FILE.rejected.jsonl; the exit code is then 1.
    """
    _run(
        file,
        format_,
        lambda job, database, kind: job.import_orders(
            database, file, kind, start_journeys=start_journeys, resume=resume
        ),
        ("orders", "known before"),
        as_json=as_json,
    )


def _run(
    file: Path,
    format_: str | None,
    do: Callable[[Any, Any, Any], "Report"],
    words: tuple[str, str],
    *,
    as_json: bool,
) -> None:
    from engine.flow.imports.lines import format_of

    kind = format_of(file, format_)
    began = time.monotonic()
    with reach(Settings.load()) as settings:
        from engine.store.session import Database
        from parcours.imports import job

        database = Database(settings.database_url, pool_size=2)
        database.links = settings.links()
        try:
            report = do(job, database, kind)
        except (KeyboardInterrupt, Unavailable):
            typer.echo(
                "Interrupted. What was read so far is stored; --resume goes on from there.",
                err=True,
            )
            raise
        finally:
            database.close()
    _tell(report, *words, time.monotonic() - began, as_json=as_json)


def _tell(report: "Report", what: str, known: str, seconds: float, *, as_json: bool) -> None:
    if as_json:
        counts = {
            "accepted": report.accepted,
            "known": report.known,
            "rejected": report.rejected,
            "rejects": str(report.rejects) if report.rejects else None,
            "seconds": round(seconds, 2),
        }
        typer.echo(json.dumps(counts))
    else:
        typer.echo(
            f"{report.accepted:,} {what} accepted ({report.known:,} of them {known}), "
            f"{report.rejected:,} rejected, in {seconds:.1f} seconds."
        )
        if report.rejects:
            typer.echo(f"The rejected lines, with their reasons: {report.rejects}", err=True)
    if report.rejected:
        raise typer.Exit(1)
