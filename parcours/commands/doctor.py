"""`parcours doctor`: is everything well, and what mends what is not."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    records: Annotated[
        Path | None,
        typer.Option(help="The sending domain's records, as `dig` prints them; else by DNS."),
    ] = None,
) -> None:
    """Look at settings, database, Temporal, workers, providers and the sending domain."""
    from parcours.doctor.examination import examine

    found = []
    for finding in examine(records):
        found.append(finding)
        if not as_json:
            typer.echo(str(finding))
    is_well = all(finding.state != "wrong" for finding in found)
    if as_json:
        typer.echo(json.dumps({"well": is_well, "findings": [asdict(one) for one in found]}))
    if not is_well:
        raise typer.Exit(1)
