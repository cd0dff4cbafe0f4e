"""Journeys by version: published ones, those a customer went through, those that lead on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONPATH

from engine.errors import InvalidDocument, NotFound
from engine.model.document import journey_of
from engine.model.journey import Journey

_VERSIONS = text("""
    SELECT v.journey_id, v.version, v.document FROM journey_version v
    JOIN unnest(CAST(:journeys AS text[]), CAST(:versions AS int[])) AS w (journey, version)
      ON v.journey_id = w.journey AND v.version = w.version
""")

_NAMES = text("SELECT id, coalesce(draft ->> 'name', id) AS name FROM journey")


def versions(
    connection: Connection, wanted: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Journey]:
    """Return published journeys by id and version."""
    pairs = sorted(set(wanted))
    rows = connection.execute(
        _VERSIONS, {"journeys": [j for j, _ in pairs], "versions": [v for _, v in pairs]}
    )
    found = {}
    for row in rows:
        try:
            found[row.journey_id, row.version] = journey_of(row.document)
        except InvalidDocument:  # of a release that knew other steps
            continue
    return found


# Where a journey leads to matters only when it starts another one.
_LEADING = text("""
    SELECT id, published, CASE WHEN jsonb_path_exists(document, :starts) THEN document END AS document
    FROM (
        SELECT j.id, v.version IS NOT NULL AS published, coalesce(v.document, j.draft) AS document
        FROM journey j
        LEFT JOIN journey_version v ON v.journey_id = j.id AND v.version = j.live_version
    ) AS every
""").bindparams(bindparam("starts", 'lax $.**.type ? (@ == "enter")', JSONPATH))


class Leading(Mapping[str, Journey]):
    """Every journey by id, as published, else as drafted.

    One that starts no other can be found, and not read; the others are read when asked for.
    """

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(_LEADING).all()
        self._documents = {row.id: row.document for row in rows}
        self.unpublished = frozenset(row.id for row in rows if not row.published)

    def __getitem__(self, id: str) -> Journey:
        document = self._documents[id]
        if document is None:
            raise KeyError(id)
        try:
            return journey_of(document)
        except InvalidDocument:  # of a release that knew other steps
            raise KeyError(id) from None

    def __contains__(self, id: object) -> bool:
        return id in self._documents

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)


def journey_names(connection: Connection) -> dict[str, str]:
    """Return what every journey is called."""
    return {row.id: row.name for row in connection.execute(_NAMES)}


_PUBLISHED = text("""
    SELECT v.version, v.published_at, v.document,
           coalesce(r.entered, 0) AS entered, coalesce(r.inside, 0) AS inside
    FROM journey_version v
    LEFT JOIN (
        SELECT version, count(*) AS entered, count(*) FILTER (WHERE ended_at IS NULL) AS inside
        FROM run WHERE journey_id = :journey AND NOT held_out GROUP BY version
    ) r ON r.version = v.version
    WHERE v.journey_id = :journey AND v.version < :before
    ORDER BY v.version DESC LIMIT :limit
""")

_ONE = text("""
    SELECT document, published_at FROM journey_version
    WHERE journey_id = :journey AND version = :version
""")


@dataclass(frozen=True, slots=True)
class Published:
    """A version, and how many customers entered it and are inside, those held out not counted."""

    version: int
    published_at: datetime
    document: dict[str, Any]
    entered: int
    inside: int


def published(
    connection: Connection, journey: str, *, before: int = 2**31 - 1, limit: int
) -> list[Published]:
    """Return the versions of a journey that came before that number, the newest first."""
    given = {"journey": journey, "before": before, "limit": limit}
    rows = connection.execute(_PUBLISHED, given).mappings()
    return [Published(**row) for row in rows]


def document(connection: Connection, journey: str, version: int) -> dict[str, Any]:
    """Return what a version says, or raise `NotFound`."""
    row = connection.execute(_ONE, {"journey": journey, "version": version}).one_or_none()
    if row is None:
        raise NotFound(f"The journey {journey} has no version {version}.")
    return dict(row.document)
