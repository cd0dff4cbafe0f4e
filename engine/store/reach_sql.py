"""Whether customers can, and want to, be written to: in SQL, as `engine.model.customer` has it."""

from typing import assert_never

from sqlalchemy import FromClause, and_, func, not_, or_
from sqlalchemy.dialects.postgresql import JSONB

from engine.model.base import CHANNELS, Channel
from engine.model.customer import EVERYTHING
from engine.model.topic import Topic
from engine.store.comparing_sql import sure
from engine.store.instants_sql import Expression
from engine.store.values_sql import NULL, ZERO, key, text_at


def reachable(who: FromClause, channel: Channel) -> Expression:
    """Return whether she has an address on a channel that may be written to."""
    match channel:
        case "email":
            address = key(who.c.addresses, "email")
        case "sms" | "whatsapp":
            address = key(who.c.addresses, "phone")
        case "push":
            address = key(who.c.addresses, "push").op("->", return_type=JSONB())(-1)
        case _:
            assert_never(channel)
    address = func.nullif(address, NULL, type_=JSONB)
    found = key(who.c.suppressed, channel)
    reason = func.coalesce(key(found, "reason"), ZERO)
    suppressed = and_(sure(key(found, "address") == address), sure(reason != NULL))
    return and_(address.is_not(None), not_(suppressed))


def subscribed(who: FromClause, topic: Topic, channel: Channel | None) -> Expression:
    """Return whether she wants a topic, on one channel or on any."""
    consent = who.c.consent

    def said(on: Channel) -> Expression:
        by_name = func.nullif(text_at(key(consent, topic.id), on), "")
        return func.coalesce(by_name, text_at(key(consent, EVERYTHING), on), topic.default)

    channels = CHANNELS if channel is None else (channel,)
    return sure(or_(*(said(on) == "subscribed" for on in channels)))
