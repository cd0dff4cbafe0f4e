"""What the canvas of one journey is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from engine.errors import NotFound

_JOURNEY = text("""
    SELECT j.id, j.state, j.draft, j.source, j.rev, j.live_version, j.updated_at,
           v.document AS live, v.hash, v.published_at, w.revision
    FROM journey j
    LEFT JOIN journey_version v ON v.journey_id = j.id AND v.version = j.live_version
    CROSS JOIN workspace w
    WHERE j.id = :id
""")

_NAMES = text("""
    SELECT 'template' AS kind, id, document ->> 'name' AS name, document ->> 'channel' AS channel
    FROM template
    UNION ALL SELECT 'segment', id, name, NULL FROM segment
    UNION ALL SELECT 'topic', id, document ->> 'name', NULL FROM topic
    UNION ALL SELECT 'cap', id, coalesce(rule ->> 'name', id), NULL FROM cap
    UNION ALL SELECT 'journey', id, coalesce(draft ->> 'name', id), NULL FROM journey
    UNION ALL SELECT 'activity', id, document ->> 'title', NULL FROM activity_type
    UNION ALL SELECT 'icon', id, document ->> 'icon', NULL FROM activity_type
""")


@dataclass(frozen=True, slots=True)
class Found:
    """A journey: its draft, what is live, and the workspace's revision."""

    id: str
    state: str
    draft: dict[str, Any]
    source: str | None
    rev: int
    version: int | None
    updated_at: datetime
    live: dict[str, Any] | None
    hash: str | None
    published_at: datetime | None
    revision: int


def journey(connection: Connection, journey_id: str) -> Found:
    """Return a journey, or raise `NotFound`."""
    row = connection.execute(_JOURNEY, {"id": journey_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no journey {journey_id!r}.")
    return Found(
        id=row.id,
        state=row.state,
        draft=row.draft,
        source=row.source,
        rev=row.rev,
        version=row.live_version,
        updated_at=row.updated_at,
        live=row.live,
        hash=row.hash,
        published_at=row.published_at,
        revision=row.revision,
    )


@dataclass(frozen=True, slots=True)
class Names:
    """What people call the things that a journey refers to by id.

    `made_for` tells each template's channel, `icons` are activities'.
    """

    templates: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)
    caps: Mapping[str, str] = field(default_factory=dict)
    made_for: Mapping[str, str] = field(default_factory=dict)
    journeys: Mapping[str, str] = field(default_factory=dict)
    activities: Mapping[str, str] = field(default_factory=dict)
    icons: Mapping[str, str] = field(default_factory=dict)


def names(connection: Connection) -> Names:
    """Return what templates, segments, topics, rules, journeys and activities are called."""
    kinds = ("template", "segment", "topic", "cap", "journey", "activity", "icon")
    found: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    made_for = {}
    for row in connection.execute(_NAMES):
        found[row.kind][row.id] = row.name
        if row.channel is not None:
            made_for[row.id] = row.channel
    return Names(
        templates=found["template"],
        segments=found["segment"],
        topics=found["topic"],
        caps=found["cap"],
        made_for=made_for,
        journeys=found["journey"],
        activities=found["activity"],
        icons=found["icon"],
    )
