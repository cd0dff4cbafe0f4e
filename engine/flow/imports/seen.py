"""How many customers a check has met: kept in a file, so that memory does not grow with it."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import UUID

from engine.store.customers import Identity

ALSO: Final = 0
NEW: Final = 1
KNOWN: Final = 2

_AT_ONCE: Final = 500


class Seen:
    """Whom a file has named so far, as hashes; counted once, however often she is named."""

    def __init__(self, file: Path, offset: int) -> None:
        """Open it where the check stands: what comes after was counted in vain."""
        if offset == 0:
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
        self._file = file
        self._offset = offset

    def count(
        self, some: Iterable[tuple[Identity, ...]], owners: Mapping[Identity, UUID]
    ) -> tuple[int, int]:
        """Return how many customers are met for the first time: new ones, and known ones."""
        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS seen"
                " (who BLOB PRIMARY KEY, at INTEGER, what INTEGER) WITHOUT ROWID"
            )
            if self._offset:
                connection.execute("DELETE FROM seen WHERE at >= ?", (self._offset,))
            self._meet(connection, some, owners)
            counted = dict(
                connection.execute(
                    "SELECT what, count(*) FROM seen WHERE at = ? GROUP BY what", (self._offset,)
                ).fetchall()
            )
        return counted.get(NEW, 0), counted.get(KNOWN, 0)

    def _meet(
        self,
        connection: sqlite3.Connection,
        some: Iterable[tuple[Identity, ...]],
        owners: Mapping[Identity, UUID],
    ) -> None:
        known: set[bytes] = set()
        unknown: list[list[bytes]] = []
        for identities in some:
            owner = next((owners[one] for one in identities if one in owners), None)
            if owner is not None:
                known.add(owner.bytes)
            else:
                unknown.append([_hash(one) for one in identities])
        met = _already(connection, sorted({key for keys in unknown for key in keys}))
        rows = [(key, self._offset, KNOWN) for key in known]
        for keys in unknown:
            # Of a new customer one key counts; the others are for knowing her again.
            what = ALSO if any(key in met for key in keys) else NEW
            fresh = [key for key in dict.fromkeys(keys) if key not in met]
            rows += [(key, self._offset, what if n == 0 else ALSO) for n, key in enumerate(fresh)]
            met.update(fresh)
        connection.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", rows)


def _already(connection: sqlite3.Connection, keys: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        asked = f"SELECT who FROM seen WHERE who IN ({marks})"  # noqa: S608 - marks alone
        found.update(row[0] for row in connection.execute(asked, some))
    return found


def _hash(identity: Identity) -> bytes:
    return hashlib.blake2b("\0".join(identity).encode(), digest_size=12).digest()
