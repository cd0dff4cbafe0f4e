"""Templates as the pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text

from engine.errors import NotFound
from engine.model.template import Template
from engine.store import tables


@dataclass(frozen=True, slots=True)
class Stored:
    """A template, and when it was last changed."""

    template: Template
    updated_at: datetime


def one(connection: Connection, template_id: str) -> Stored:
    """Return one template, or raise `NotFound`."""
    table = tables.template.c
    row = connection.execute(
        select(table.document, table.updated_at).where(table.id == template_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no template {template_id!r}.")
    return Stored(Template.model_validate(row.document), row.updated_at)


def every(connection: Connection) -> list[Stored]:
    """Return every template by its name."""
    rows = connection.execute(select(tables.template.c.document, tables.template.c.updated_at))
    found = [Stored(Template.model_validate(row.document), row.updated_at) for row in rows]
    return sorted(found, key=lambda stored: stored.template.name.casefold())


_LANGUAGES = text("""
    SELECT DISTINCT l.key FROM template
    CROSS JOIN LATERAL jsonb_object_keys(document -> 'locales') AS l (key)
    WHERE id = ANY(:ids) ORDER BY l.key
""")


def languages(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return the languages that these templates are written in."""
    return list(connection.execute(_LANGUAGES, {"ids": list(ids)}).scalars())


_OPENING = text("""
    SELECT DISTINCT d.document #>> '{entry,on,event}' AS event
    FROM (SELECT draft AS document FROM journey
          UNION ALL SELECT v.document FROM journey_version v
          JOIN journey j ON j.id = v.journey_id AND j.live_version = v.version) d
    WHERE d.document #>> '{entry,on,event}' IS NOT NULL
      AND d.document::text LIKE :named
""")


def opening_events(connection: Connection, template_id: str) -> list[str]:
    """Return the events that open journeys which name this template."""
    # Ids hold no sign that JSON would write otherwise; an underscore matches a little too much.
    rows = connection.execute(_OPENING, {"named": f'%"{template_id}"%'})
    return sorted(row.event for row in rows)
