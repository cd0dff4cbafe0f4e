"""What two customers come to when they turn out to be one, and to be two after all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.model.base import CHANNELS, Channel
from engine.model.customer import EVERYTHING, Customer
from engine.model.topic import Subscription
from engine.run.changes import learned

Consent = Mapping[str, Mapping[str, Subscription]]

_STRICT: Final[Mapping[Subscription, int]] = {"subscribed": 0, "pending": 1, "unsubscribed": 2}
_SAID_APART: Final = frozenset({"email", "phone"})
"""Addresses that are traits, too; a list of devices is put together of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Was:
    """Two customers before they became one, and who that one was at first."""

    kept: Customer
    merged: Customer
    after: Customer


def joined(kept: Customer, merged: Customer) -> Customer:
    """Return who the two are together: what the kept one has, and what she lacks of the other."""
    devices = list(merged.addresses.get("push") or [])
    own = list(kept.addresses.get("push") or [])
    addresses = {**merged.addresses, **kept.addresses}
    if devices or own:
        addresses["push"] = [one for one in devices if one not in own] + own
    return replace(
        kept,
        traits={**merged.traits, **kept.traits},
        derived={**merged.derived, **kept.derived},
        addresses=addresses,
        locale=kept.locale or merged.locale,
        time_zone=kept.time_zone or merged.time_zone,
        consent=stricter(kept.consent, merged.consent),
    )


def stricter(one: Consent, other: Consent) -> dict[str, dict[str, Subscription]]:
    """Return what both have said, of each topic and channel the stricter.

    Who has declined everything has declined each topic of which she says nothing by name.
    """
    found: dict[str, dict[str, Subscription]] = {}
    for topic in sorted({*one, *other}):
        for channel in CHANNELS:
            said = [
                said
                for said in (_said(one, topic, channel), _said(other, topic, channel))
                if said is not None
            ]
            named = channel in one.get(topic, {}) or channel in other.get(topic, {})
            if named:
                found.setdefault(topic, {})[channel] = max(said, key=_STRICT.__getitem__)
    return found


def _said(consent: Consent, topic: str, channel: Channel) -> Subscription | None:
    return consent.get(topic, {}).get(channel) or consent.get(EVERYTHING, {}).get(channel)


def parted(
    was: Was, now: Customer, told: Iterable[tuple[bool, Mapping[str, Any]]]
) -> tuple[Customer, Customer]:
    """Return the kept one and the other, now that they are two again.

    `told` are the traits that were learned meanwhile, in order, each with whether it was by an
    identity of the other's. What has changed in another way stays with the kept one. What was
    declined meanwhile was perhaps declined by the other, and holds for both.
    """
    kept, merged, explained = was.kept, was.merged, set[str]()
    for by_merged, traits in told:
        explained |= traits.keys()
        if by_merged:
            merged = learned(merged, traits)
        else:
            kept = learned(kept, traits)
    after = was.after
    later = _later(after.consent, now.consent)
    declined = {
        topic: {channel: said for channel, said in channels.items() if said == "unsubscribed"}
        for topic, channels in later.items()
    }
    kept = replace(
        kept,
        traits=_since(kept.traits, after.traits, now.traits, explained),
        addresses=_addresses(kept.addresses, was, now, explained),
        locale=kept.locale if now.locale == after.locale else now.locale,
        time_zone=kept.time_zone if now.time_zone == after.time_zone else now.time_zone,
        consent=_over(kept.consent, later),
    )
    gone = set(after.addresses.get("push") or ()) - set(now.addresses.get("push") or ())
    devices = [one for one in merged.addresses.get("push") or () if one not in gone]
    addresses = {**merged.addresses, **({"push": devices} if "push" in merged.addresses else {})}
    merged = replace(merged, addresses=addresses, consent=stricter(merged.consent, declined))
    return kept, merged


def _since(
    mine: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any], explained: set[str]
) -> dict[str, Any]:
    result = dict(mine)
    for key in {*after, *now} - explained:
        if after.get(key) == now.get(key):
            continue
        if key in now:
            result[key] = now[key]
        else:
            result.pop(key, None)
    return result


def _addresses(
    mine: Mapping[str, Any], was: Was, now: Customer, explained: set[str]
) -> dict[str, Any]:
    listed = {"push"}
    found = _since(mine, was.after.addresses, now.addresses, (explained & _SAID_APART) | listed)
    own = was.kept.addresses.get("push") or ()
    theirs = set(was.merged.addresses.get("push") or ()) - set(own)
    devices = [one for one in now.addresses.get("push") or () if one not in theirs]
    if devices or "push" in mine:
        found["push"] = devices
    return found


def _later(after: Consent, now: Consent) -> dict[str, dict[str, Subscription]]:
    return {
        topic: changed
        for topic, channels in now.items()
        if (
            changed := {
                channel: said
                for channel, said in channels.items()
                if said != after.get(topic, {}).get(channel)
            }
        )
    }


def _over(consent: Consent, later: Consent) -> dict[str, dict[str, Subscription]]:
    return {
        topic: {**consent.get(topic, {}), **later.get(topic, {})} for topic in {**consent, **later}
    }
