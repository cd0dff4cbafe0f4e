"""`parcours journey`: journeys as files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from engine.model.actor import COMMAND_LINE
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.errors import InvalidDocument, Problem
    from journeys.bringing import Brought

app = typer.Typer(help="Journeys as files.", no_args_is_help=True)

File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="YAML or JSON.")
]
Files = Annotated[
    list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="YAML or JSON.")
]
IdOrFile = Annotated[str, typer.Argument(help="The journey's id, or its file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def schema() -> None:
    """Print the JSON Schema of journeys, by which editors complete and check them."""
    from engine.model.journey import Journey

    document = Journey.model_json_schema(by_alias=True)
    typer.echo(
        json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}, indent=2
        )
    )


@app.command()
def validate(files: Files, *, as_json: Json = False) -> None:
    """Say what is wrong with journeys: each mistake with its file, line and step.

    Templates and segments are looked up in the database when there is one that answers, and
    templates in the folder `templates` beside the file too. The exit code is 1 for mistakes; a
    warning alone is none.
    """
    from parcours import documents

    materials = documents.look_up(Settings.load())
    found = [(file, documents.problems_of(file, materials)) for file in files]
    if as_json:
        documents_json = [
            {"file": str(file), "problems": [_as_dict(problem) for problem in problems]}
            for file, problems in found
        ]
        typer.echo(json.dumps({"checked_against": materials.what, "files": documents_json}))
    else:
        for file, problems in found:
            for problem in problems:
                typer.echo(_line(file, problem))
        typer.echo(materials.sentence, err=True)
    if any(problem.severity == "error" for _, problems in found for problem in problems):
        raise typer.Exit(1)


@app.command("compile")
def compile_journey(file: File) -> None:
    """Print the plan that a journey is carried out by, as JSON."""
    from engine.compile.compiler import compile as compile_plan
    from parcours import documents

    plan = compile_plan(_read(file)[0])
    typer.echo(json.dumps(documents.plan_document(plan), indent=2, ensure_ascii=False))


@app.command()
def push(
    files: Files,
    *,
    publish: Annotated[bool, typer.Option("--publish", help="Make them live at once.")] = False,
    as_json: Json = False,
) -> None:
    """Save journeys as drafts; what they use of the templates and segments beside them goes along."""
    from engine.errors import InvalidDocument
    from engine.flow import publish as flow
    from parcours import documents

    read = [(file, *_read(file)) for file in files]
    pushed = []
    with documents.database(Settings.load()) as database:
        for file, journey, text in read:
            version = None
            try:
                saved = documents.push(database, file, journey, text)
                if publish:
                    version = flow.publish(database, journey.id, actor=COMMAND_LINE)
            except InvalidDocument as error:
                _fail(file, error)
            for sentence in _went_along(saved.brought):
                typer.echo(sentence, err=True)
            for problem in saved.problems:
                typer.echo(_line(file, problem), err=True)
            pushed.append(
                {
                    "id": journey.id,
                    "created": saved.created,
                    "version": version,
                    "templates": saved.brought.templates,
                    "segments": saved.brought.segments,
                    "traits": saved.brought.traits,
                    "problems": [_as_dict(problem) for problem in saved.problems],
                }
            )
            if not as_json:
                state = "saved as a draft" if version is None else f"live, version {version}"
                typer.echo(f"{journey.id}: {state}.")
    if as_json:
        typer.echo(json.dumps(pushed))


def _went_along(brought: "Brought") -> Iterator[str]:
    """Say what of the files beside a journey is new, and what was left as it is."""
    for name in brought.templates:
        yield f"The template {name} is new."
    for name in brought.segments:
        yield f"The segment {name} is new."
    for name in brought.traits:
        yield f"The trait {name} is computed from now on."
    for name in brought.kept_templates:
        yield f"The template {name} differs from its file and was left."
    for name in brought.kept_segments:
        yield f"The segment {name} has another rule than its file and was left."


@app.command()
def pull(
    journey: Annotated[str, typer.Argument(help="The journey's id.")],
    file: Annotated[Path | None, typer.Argument(dir_okay=False, help="Else printed.")] = None,
) -> None:
    """Write a journey's draft to a file: as it was pushed, comments included, if it still is so."""
    from parcours import documents

    with documents.database(Settings.load()) as database:
        text = documents.pull(database, journey)
    if file is None or str(file) == "-":
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        typer.echo(f"Written: {file}", err=True)


@app.command()
def publish(journey: IdOrFile, *, as_json: Json = False) -> None:
    """Make a journey's draft its live version."""
    from engine.errors import InvalidDocument
    from engine.flow import publish as flow
    from parcours import documents

    journey_id = documents.id_of(journey)
    with documents.database(Settings.load()) as database:
        try:
            version = flow.publish(database, journey_id, actor=COMMAND_LINE)
        except InvalidDocument as error:
            _fail(None, error)
    if as_json:
        typer.echo(json.dumps({"id": journey_id, "version": version}))
    else:
        typer.echo(f"{journey_id}: live, version {version}.")


@app.command()
def pause(journey: IdOrFile) -> None:
    """Let nobody enter, and hold what is due, until the journey is resumed."""
    from engine.flow import publish as flow
    from parcours import documents

    journey_id = documents.id_of(journey)
    with documents.database(Settings.load()) as database:
        flow.pause(database, journey_id, actor=COMMAND_LINE)
    typer.echo(f"{journey_id}: paused.")


@app.command()
def resume(journey: IdOrFile) -> None:
    """Let customers enter again, and what is held go on, a few customers at a time."""
    from engine.flow import publish as flow
    from parcours import documents

    journey_id = documents.id_of(journey)
    with documents.database(Settings.load()) as database:
        flow.resume(database, journey_id, actor=COMMAND_LINE)
    typer.echo(f"{journey_id}: live.")


@app.command()
def archive(
    journey: IdOrFile,
    *,
    end: Annotated[
        bool, typer.Option("--end", help="Take out those who are inside, with the reason archived.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Let those who are inside come to their end.")
    ] = False,
) -> None:
    """Put a journey away: nobody enters it any more, and lists leave it out."""
    from engine.flow import archive as flow
    from parcours import documents

    if end and finish:
        raise typer.BadParameter("Choose --end or --finish.")
    journey_id = documents.id_of(journey)
    inside: flow.Inside | None = "end" if end else "finish" if finish else None
    with documents.database(Settings.load()) as database:
        n = flow.archive(database, journey_id, actor=COMMAND_LINE, inside=inside)
    what = {"end": "are being ended", "finish": "finish by themselves"}
    told = f" {n} customers inside {what[inside]}." if n and inside else ""
    typer.echo(f"{journey_id}: archived.{told}")


@app.command()
def restore(journey: IdOrFile) -> None:
    """Take a journey out of the archive, paused."""
    from engine.flow import archive as flow
    from parcours import documents

    journey_id = documents.id_of(journey)
    with documents.database(Settings.load()) as database:
        state = flow.restore(database, journey_id, actor=COMMAND_LINE)
    typer.echo(f"{journey_id}: {state}.")


def _read(file: Path) -> tuple[Any, str]:
    """Return a journey with its text, or end with its mistakes."""
    from engine.errors import InvalidDocument
    from parcours import documents

    try:
        return documents.read(file)
    except InvalidDocument as error:
        _fail(file, error)


def _fail(file: Path | None, error: "InvalidDocument") -> NoReturn:
    """End with the mistakes: a document that has some is no wrong use of the command."""
    for problem in error.problems:
        typer.echo(_line(file, problem) if file else str(problem), err=True)
    typer.echo(f"{error.what}.", err=True)
    raise typer.Exit(1)


def _line(file: Path, problem: "Problem") -> str:
    place = f"{file}:{problem.line}" if problem.line else str(file)
    step = f"step {problem.step}: " if problem.step else ""
    return f"{place}: {problem.severity}: {step}{problem.message}"


def _as_dict(problem: "Problem") -> dict[str, Any]:
    return {
        "line": problem.line,
        "step": problem.step,
        "severity": problem.severity,
        "message": problem.message,
    }
