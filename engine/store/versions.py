"""Journeys by version: those that a customer went through, those that lead on to others."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONPATH

from engine.errors import InvalidDocument
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
