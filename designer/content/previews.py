"""A template as a customer would get it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from activities.content.markup import tags
from activities.rendering import TemplateError, Text, render
from designer.content.forms import Fault
from designer.views import customer_name
from designer.words import Words
from engine.compile.content import pools
from engine.model.base import Channel
from engine.model.template import Content
from engine.run import sms
from engine.store import events, search

_IMPORT: Final = re.compile(r"@import[^;<]{0,500};?")


@dataclass(frozen=True, slots=True)
class Person:
    """The customer that a preview is for."""

    id: str
    name: str
    address: str
    locale: str | None
    traits: Mapping[str, Any]
    event: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a template comes to for one customer; without `text` the `fault` says why."""

    channel: Channel
    text: Text | None
    fault: Fault | None = None
    page: str = ""
    segments: sms.Segments | None = None
    outside: tuple[str, ...] = ()


def person(
    connection: Connection, reference: str, opening: Sequence[str], words: Words
) -> Person | None:
    """Return the customer named, else the newest, with her last event of those that open."""
    if reference:
        found = search.customer(connection, UUID(reference))
    else:
        items = search.customers(connection, "", limit=1).items
        if not items:
            return None
        found = items[0]
    event = events.last(connection, UUID(found["id"]), opening)
    traits = {**(found["traits"] or {}), **(found["derived"] or {})}
    addresses = found["addresses"] or {}
    return Person(
        id=found["id"],
        name=customer_name(traits, addresses, words),
        address=str(addresses.get("email") or addresses.get("phone") or ""),
        locale=found["locale"],
        traits=traits,
        event=event.name if event else "",
        properties=event.properties if event else {},
    )


def variables(
    content: Content, snippets: dict[str, str], who: Person | None, shop: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a template may use; nobody's coupon code is taken for a preview."""
    return {
        "customer": {**who.traits, "id": who.id} if who else {},
        "event": dict(who.properties) if who else {},
        "steps": {},
        "shop": dict(shop),
        **stand_ins(content, snippets),
    }


def stand_ins(content: Content, snippets: dict[str, str]) -> dict[str, Any]:
    """Return what only a message that is really sent has, as a preview shows it."""
    return {
        "unsubscribe_url": "#unsubscribe",
        "preferences_url": "#preferences",
        "coupon": dict.fromkeys(pools(content, snippets), "EXAMPLE-CODE"),
    }


def preview(
    content: Content,
    channel: Channel,
    values: Mapping[str, Any],
    snippets: dict[str, str],
    nonce: str,
) -> Preview:
    """Render a template; `nonce` lets the styles of an email hold on our page."""
    try:
        text = render(content, channel, values, snippets)
    except TemplateError as error:
        part = error.part.partition(".")[0]
        return Preview(channel, None, Fault(part, error.reason, error.line))
    if channel == "sms":
        return Preview(
            channel, text, segments=sms.segments(text.body), outside=sms.outside(text.body)
        )
    page = _page(text.body, nonce) if channel == "email" else ""
    return Preview(channel, text, page=page)


def _page(body: str, nonce: str) -> str:
    """Return an email for a frame of ours: with the nonce at its styles, nothing from elsewhere."""
    if "<" not in body:
        return f"<pre>{escape(body)}</pre>"
    parts, at = [], 0
    for tag in tags(body):
        if tag.name == "style" and not tag.closes:
            parts += [body[at : tag.start], f'<style nonce="{escape(nonce)}">']
            at = tag.end
        elif tag.name in {"link", "base", "script", "meta"}:
            parts.append(body[at : tag.start])
            at = tag.end
    return _IMPORT.sub("", "".join(parts) + body[at:])
