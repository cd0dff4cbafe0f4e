"""Who is in which segment, and what is being built anew."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from engine.compile.mentions import mentions
from engine.store import documents
from engine.store.documents import touch

_BUILD_AGAIN = text("""
UPDATE segment SET build = build + 1, state = 'building' WHERE id = ANY(:segments)
""")


def build_again(connection: Connection, segments: Collection[str]) -> None:
    """Have everybody looked at for these segments; nobody's entering or leaving is told."""
    if segments:
        connection.execute(_BUILD_AGAIN, {"segments": sorted(segments)})
        touch(connection)


def build_mentioning(connection: Connection, changed: Collection[str]) -> None:
    """Have the segments built anew that mention one of these (see `engine.compile.mentions`).

    For changes to many customers at once, such as an import; a few are followed one by one.
    """
    rules = {id: segment.rule for id, segment in documents.segments(connection).items()}
    asked = {id for id, rule in rules.items() if mentions(rule, rules) & frozenset(changed)}
    build_again(connection, asked)
