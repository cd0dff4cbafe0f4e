"""What a customer's page needs besides her own rows: the journeys she went through."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

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


def journey_names(connection: Connection) -> dict[str, str]:
    """Return what every journey is called."""
    return {row.id: row.name for row in connection.execute(_NAMES)}
