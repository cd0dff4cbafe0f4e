"""A record of a file as what is known of a customer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.errors import InvalidInput
from engine.flow.history import Profile
from engine.flow.imports.lines import Format, Record
from engine.flow.imports.portions import Rejected
from engine.flow.imports.values import value_of
from engine.model.addresses import email_address, phone_number
from engine.model.clock import time_zones
from engine.model.identity import LONGEST
from engine.model.storable import dump, find_nul
from engine.store.customers import Identity

IDS: Final = ("userId", "external_id")
"""How the shop's own id of a customer is called."""

TRAITS: Final = "traits."
ZONES: Final = ("time_zone", "timezone")
TEXTS: Final = frozenset({"email", "phone", "first_name", "last_name", "name"})
"""Traits that are texts, even if they look like numbers."""

_KNOWN: Final = frozenset({*IDS, "anonymousId", "traits", "locale", *ZONES})
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


def check_columns(names: list[str]) -> None:
    """Refuse a table whose first line cannot be one of customers."""
    if not {*IDS, "anonymousId"} & set(names):
        raise InvalidInput(
            f"The first line must name a column {' or '.join(IDS)}; the others, but locale and "
            "time_zone, are traits."
        )


def is_native(data: Mapping[str, Any]) -> bool:
    """Whether a record of JSON is written as imports of customers are."""
    return data.keys() <= _KNOWN and bool({*IDS, "anonymousId"} & data.keys())


def profile_of(record: Record, kind: Format) -> Profile:
    """Return what a record tells of a customer; raise `Rejected` when it names none."""
    if record.fault is not None:
        raise Rejected(record.fault)
    document = record.data if kind == "jsonl" else _document(record.data)
    return profile(document)


def profile(document: Mapping[str, Any], more: Sequence[Identity] = ()) -> Profile:
    """Return what a document tells of a customer, who has `more` identities."""
    unknown = document.keys() - _KNOWN
    if unknown:
        raise Rejected(f"{min(unknown)}: this key is not known here; traits go into `traits`")
    traits = document.get("traits")
    if not isinstance(traits, dict | None):
        raise Rejected("traits: a JSON object is needed")
    _check_storable(document)
    zone = _text(document, *ZONES)
    if zone is not None and zone not in time_zones():
        raise Rejected(f"time_zone: {zone!r} is no time zone; write one like Europe/Paris")
    locale = _text(document, "locale")
    if locale is not None and not _LOCALE.fullmatch(locale):
        raise Rejected(f"locale: {locale!r} is no locale; write one like fr or fr-CH")
    return Profile(
        identities=_identities(document, more),
        traits=traits or {},
        addresses=_addresses(traits or {}),
        locale=locale,
        time_zone=zone,
    )


def _identities(document: Mapping[str, Any], more: Sequence[Identity]) -> tuple[Identity, ...]:
    found = (
        ("external_id", _text(document, *IDS)),
        ("anonymous_id", _text(document, "anonymousId")),
    )
    told = ((namespace, value) for namespace, value in found if value is not None)
    identities = (*told, *more)
    if not identities:
        raise Rejected("userId: the customer's id is needed")
    return identities


def _text(document: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = document.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # some shops' ids are numbers
        if not isinstance(value, str):
            raise Rejected(f"{name}: a text is needed")
        if len(value) > LONGEST:
            raise Rejected(f"{name}: it is longer than {LONGEST} characters")
        return value
    return None


def _addresses(traits: Mapping[str, Any]) -> dict[str, Any]:
    addresses: dict[str, Any] = {}
    for name, normal in (("email", email_address), ("phone", phone_number)):
        if name in traits:
            given = traits[name]
            try:
                addresses[name] = None if given is None else normal(given)
            except InvalidInput as error:
                raise Rejected(f"{name}: {str(error).removesuffix('.')}") from None
    return addresses


def _check_storable(document: Mapping[str, Any]) -> None:
    try:
        written = dump(document)
    except TypeError:
        raise Rejected("the line is nested too deeply") from None
    if b"\\u0000" in written and (place := find_nul(dict(document))):
        raise Rejected(f"{place}: a text holds a NUL character, which cannot be stored")


def _document(row: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        name: text for name, text in row.items() if name in _KNOWN and name != "traits" and text
    }
    named = {
        name.removeprefix(TRAITS): text
        for name, text in row.items()
        if text and (name not in _KNOWN or name == "traits")
    }
    document["traits"] = {
        name: text if name in TEXTS else value_of(text) for name, text in named.items()
    }
    return document
