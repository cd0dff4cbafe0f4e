"""A record of a former tool's unsubscribes, bounces and complaints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from engine.errors import InvalidInput, ParcoursError
from engine.flow.consent import Changes, Proof, decline_everything, say, suppress
from engine.flow.imports.lines import Record
from engine.flow.imports.portions import Rejected
from engine.model.addresses import email_address, phone_number
from engine.model.base import CHANNELS, Channel
from engine.store import documents, search
from engine.store.session import Database

IDS: Final = ("external_id", "userId")
_KNOWN: Final = frozenset({*IDS, "email", "phone", "topic", "channel", "reason", "at"})
_SOURCE: Final = "parcours import unsubscribes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """What a record says: a customer who declined topics, or an address not to write to."""

    customer: UUID | None = None
    address: str = ""
    topic: str | None = None
    channels: tuple[Channel, ...] = CHANNELS
    reason: str = "unsubscribed"
    at: datetime | None = None


def check_columns(names: list[str]) -> None:
    """Refuse a table whose first line cannot be one of unsubscribes."""
    if not {*IDS, "email", "phone"} & set(names):
        raise InvalidInput(
            "The first line must name a column email, phone or external_id; "
            "topic, channel, reason and at may stand beside it."
        )


class Reader:
    """Reads records, knowing the shop's customers and topics."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as connection:
            self._topics = documents.topics(connection).keys()

    def __call__(self, record: Record) -> Unsubscribe:
        """Return what a record says; raise `Rejected` when that cannot be obeyed."""
        if record.fault is not None:
            raise Rejected(record.fault)
        given = {name: value for name, value in record.data.items() if value not in {None, ""}}
        if unknown := given.keys() - _KNOWN:
            raise Rejected(f"{min(unknown)}: this is not known here")
        for name, value in given.items():
            if not isinstance(value, str | int):
                raise Rejected(f"{name}: a text is needed")
        texts = {name: str(value).strip() for name, value in given.items()}
        topic = texts.get("topic")
        if topic is not None and topic not in self._topics:
            raise Rejected(f"topic: there is no topic {topic!r}; define it first")
        return self._meant(texts, topic)

    def _meant(self, given: Mapping[str, str], topic: str | None) -> Unsubscribe:
        kind, address = _address(given)
        channels = _channels(given.get("channel"), kind)
        # Whom nobody knows yet must not be written to either, once she becomes a customer.
        named = kind == "external_id" or topic is not None
        return Unsubscribe(
            customer=self._customer(kind, address) if named else None,
            address=address,
            topic=topic,
            channels=channels,
            reason=given.get("reason", "unsubscribed")[:200],
            at=_instant(given.get("at")),
        )

    def _customer(self, kind: str, address: str) -> UUID:
        try:
            with self._database.read() as connection:
                return search.find(connection, f"{kind}:{address}")
        except ParcoursError as error:
            raise Rejected(f"{kind}: {str(error).removesuffix('.')}") from None


def store(database: Database, some: Sequence[Unsubscribe]) -> int:
    """Obey what records say; doing so again changes nothing."""
    for one in some:
        proof = Proof(how="import", source=_SOURCE, at=one.at)
        if one.customer is None:
            for channel in one.channels:
                suppress(database, channel, one.address, one.reason, source=_SOURCE, at=one.at)
        elif one.topic is None:
            decline_everything(database, one.customer, proof, one.channels)
        else:
            changes: Changes = {(one.topic, channel): "unsubscribed" for channel in one.channels}
            say(database, one.customer, changes, proof)
    return len(some)


def _address(given: Mapping[str, str]) -> tuple[str, str]:
    try:
        if "email" in given:
            return "email", email_address(given["email"])
        if "phone" in given:
            return "phone", phone_number(given["phone"])
    except InvalidInput as error:
        raise Rejected(str(error).removesuffix(".")) from None
    for name in IDS:
        if name in given:
            return "external_id", given[name]
    raise Rejected("email, phone or external_id: one of them is needed")


_OF: Final[Mapping[str, tuple[Channel, ...]]] = {"email": ("email",), "phone": ("sms", "whatsapp")}


def _channels(given: str | None, kind: str) -> tuple[Channel, ...]:
    possible = _OF.get(kind, CHANNELS)
    if given is None:
        return possible
    found = tuple(channel for channel in possible if channel == given)
    if not found:
        raise Rejected(f"channel: {given!r} does not go with it; there is {', '.join(possible)}")
    return found


def _instant(given: Any) -> datetime | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise Rejected(
            f"at: {given!r} is no instant; write one like 2026-01-31T10:00:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
