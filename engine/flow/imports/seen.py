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
            for identities in some:
                self._meet(connection, identities, owners)
            counted = dict(
                connection.execute(
                    "SELECT what, count(*) FROM seen WHERE at = ? GROUP BY what", (self._offset,)
                ).fetchall()
            )
        return counted.get(NEW, 0), counted.get(KNOWN, 0)

    def _meet(
        self,
        connection: sqlite3.Connection,
        identities: tuple[Identity, ...],
        owners: Mapping[Identity, UUID],
    ) -> None:
        known = next((owners[one] for one in identities if one in owners), None)
        if known is not None:
            keys, what = [known.bytes], KNOWN
        else:
            keys, what = [_hash(one) for one in identities], NEW
            marks = ", ".join("?" * len(keys))
            asked = f"SELECT 1 FROM seen WHERE who IN ({marks}) LIMIT 1"  # noqa: S608 - marks alone
            if connection.execute(asked, keys).fetchone() is not None:
                what = ALSO
        rows = [(key, self._offset, what if n == 0 else ALSO) for n, key in enumerate(keys)]
        connection.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", rows)


def _hash(identity: Identity) -> bytes:
    return hashlib.blake2b("\0".join(identity).encode(), digest_size=12).digest()
