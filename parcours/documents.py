"""Journeys between files and the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError

import journeys
from engine.compile.language import Mistake, Uses, uses
from engine.compile.plan import Plan
from engine.compile.validate import Known, check
from engine.errors import InvalidDocument, ParcoursError, Problem
from engine.flow import publish as flow
from engine.model.activity import ActivityType
from engine.model.actor import COMMAND_LINE
from engine.model.document import locate, parse_journey, written
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    EnterStep,
    Entry,
    Journey,
    walk,
)
from engine.model.opening import OnApi
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Content, Template
from engine.settings import Settings
from engine.store import documents as stored
from engine.store.session import Database
from journeys.bringing import Brought, bring
from parcours.embedded import addresses

_INSIDE: Final = frozenset({"arms", "events", "then", "else", "on_error"})
_ANY_RULE: Final = {"trait": "id", "exists": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What journeys are checked against; without `known`, they are checked by themselves."""

    known: Known | None
    why_not: str = ""

    @property
    def what(self) -> str:
        """One word for programs."""
        return "database" if self.known is not None else "document"

    @property
    def sentence(self) -> str:
        """One sentence for people."""
        if self.known is not None:
            return "Checked against the database's templates and segments."
        return (
            "Checked by itself alone, without looking up segments and templates that are "
            f"not beside it: {self.why_not}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of a pushed journey, and what went along with it."""

    created: bool
    problems: list[Problem]
    brought: Brought


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """Reach the settings' database for the length of a block."""
    with addresses.reach(settings) as reached:
        found = Database(reached.database_url, pool_size=2)
        try:
            yield found
        finally:
            found.close()


def look_up(settings: Settings) -> Materials:
    """Return what the database holds, if there is one that answers; none is made for this."""
    embedded = (settings.data_dir / "postgres" / "PG_VERSION").exists()
    if not settings.database_url and not embedded:
        return Materials(known=None, why_not="there is no database.")
    try:
        with database(settings) as found, found.read() as connection:
            return Materials(known=flow.known(connection))
    except ParcoursError as error:
        return Materials(known=None, why_not=str(error))
    except DBAPIError:
        why = "the database is not of this release; `parcours db upgrade` mends that."
        return Materials(known=None, why_not=why)


def read(file: Path) -> tuple[Journey, str]:
    """Return the journey in a file, and the text; raise `InvalidDocument` for its mistakes."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problem = Problem(message="the file is not UTF-8: save it as UTF-8")
        raise InvalidDocument("This is no journey", [problem]) from None
    return parse_journey(text), text


def problems_of(file: Path, materials: Materials) -> list[Problem]:
    """Return what is wrong or unwise with the journey in a file."""
    try:
        journey, text = read(file)
        beside = journeys.templates_beside(file)
        segments = journeys.segments_beside(file)
    except InvalidDocument as error:
        return error.problems
    known = materials.known or _whatever(journey, beside, segments)
    known = replace(
        known,
        templates={**beside, **known.templates},
        segments={**segments, **known.segments},
    )
    return locate(text, check(journey, known))


def _whatever(
    journey: Journey, beside: Mapping[str, Template], segments_beside: Mapping[str, Segment]
) -> Known:
    """Return as known whatever the journey, and what lies beside it, refer to."""
    templates = {
        name: Template(id=name, name=name, channel=channel, locales={"en": Content(body="")})
        for name, channel in journeys.used(journey.steps).items()
    }
    asking = [journey.document(), *(one.document() for one in segments_beside.values())]
    segments = {
        name: Segment.model_validate({"id": name, "name": name, "rule": _ANY_RULE})
        for name in journeys.segments_of(asking)
    }
    used = [
        found
        for template in beside.values()
        for content in template.locales.values()
        for text in content.texts().values()
        if (found := _uses(text)) is not None
    ]
    return Known(
        templates,
        {**segments, **segments_beside},
        snippets={
            name: Snippet(id=name, name=name, locales={"en": ""})
            for found in used
            for name in found.snippets
        },
        pools={name: None for found in used for name in found.pools},
        journeys={
            step.journey: Journey(
                id=step.journey, name=step.journey, entry=Entry(on=OnApi(api=True))
            )
            for step in walk(journey.steps)
            if isinstance(step, EnterStep)
        },
        activities={
            step.activity: ActivityType(name=step.activity, title=step.activity)
            for step in walk(journey.steps)
            if isinstance(step, ActivityStep)
        },
    )


def _uses(text: str) -> Uses | None:
    try:
        return uses(text, {})
    except Mistake:  # the check will tell
        return None


def push(database: Database, file: Path, journey: Journey, text: str) -> Pushed:
    """Save a journey as a draft, after what it needs of the templates and segments beside it."""
    brought = bring(
        database,
        journey,
        templates=journeys.templates_beside(file),
        segments=journeys.segments_beside(file),
        actor=COMMAND_LINE,
    )
    saved = flow.save_journey(database, journey, text, actor=COMMAND_LINE)
    return Pushed(created=saved.created, problems=saved.problems, brought=brought)


def pull(database: Database, journey_id: str) -> str:
    """Return a journey's draft as YAML: the text it was pushed as, if that is still the draft."""
    with database.read() as connection:
        found = stored.journey(connection, journey_id)
    return written(found.draft, found.source)


def id_of(journey: str) -> str:
    """Return the id of a journey that is named by it, or by its file."""
    return read(Path(journey))[0].id if Path(journey).is_file() else journey


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON for people: each instruction with its number and its kind."""
    instructions = []
    for number, instruction in enumerate(plan.instructions):
        shown: dict[str, Any] = {"n": number, "do": type(instruction).__name__}
        for one in fields(instruction):
            value = getattr(instruction, one.name)
            shown[one.name] = _step(value) if one.name == "step" else _plain(value)
        instructions.append(shown)
    return {
        "journey": plan.journey.id,
        "hash": plan.hash,
        "always": sorted(plan.always),
        "instructions": instructions,
    }


def _step(step: AnyStep | None) -> dict[str, Any] | None:
    """Return what a step says itself; what stands inside it has instructions of its own."""
    if step is None:
        return None
    return {key: value for key, value in step.document().items() if key not in _INSIDE}


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return value
