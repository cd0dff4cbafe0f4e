"""An alias says that two ids are one customer's: two who exist are merged where that is certain."""

from uuid import UUID

from sqlalchemy import Connection

from engine.errors import Conflict
from engine.flow import merging
from engine.model.actor import PRODUCT
from engine.model.identity import ANONYMOUS_ID, EXTERNAL_ID, STRONG
from engine.names import Wake
from engine.store import customers, suggestions
from engine.store.session import Database


def follow(database: Database, user_id: str | None, previous_id: str | None) -> list[Wake]:
    """Merge the customer of the former id into that of the other; return whom to tell.

    Nothing happens when one of them is nobody's, when the former id is that of two, or when what
    is known of the two speaks against it: then it becomes a suggestion, as the event is stored.
    """
    if not user_id or not previous_id:
        return []
    with database.read() as connection:
        two = _certain(connection, user_id, previous_id)
    if two is None:
        return []
    try:
        _merged, told = merging.merge(database, *two, actor=PRODUCT, how="alias")
    except Conflict:
        return []  # somebody else has merged them just now
    return told


def _certain(connection: Connection, user_id: str, previous_id: str) -> tuple[UUID, UUID] | None:
    user, former, visit = (
        (EXTERNAL_ID, user_id),
        (EXTERNAL_ID, previous_id),
        (ANONYMOUS_ID, previous_id),
    )
    owners = customers.identified(connection, [user, former, visit])
    kept = owners.get(user)
    others = {owners[name] for name in (former, visit) if name in owners} - {kept}
    if kept is None or len(others) != 1:
        return None
    other = others.pop()
    if suggestions.state(connection, kept, other) == "different":
        return None
    mine, hers = (customers.names(connection, one) for one in (kept, other))
    # A browser's id that somebody with another number has used is perhaps a family's.
    clashing = STRONG - {EXTERNAL_ID} if former in owners else STRONG
    if any(mine.get(kind) and hers.get(kind) for kind in clashing):
        return None
    return kept, other
