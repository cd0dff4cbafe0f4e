"""Checks caps from the record alone: the transitions, what each message is, and the rules.

It shares no rule's code with the product: windows are counted anew here, by the standard library.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from engine.store.session import Database

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass
class Told:
    """What the check found; `problems` is empty when all is well."""

    claims: int = 0
    deferrals: int = 0
    skips: int = 0
    yields: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class _Slot:
    at: datetime
    channel: str
    topic: str | None
    offer: str | None


@dataclass
class _Waiting:
    since: datetime
    channel: str
    throttled: bool


def check(database: Database, rules: Sequence[Mapping[str, Any]]) -> Told:
    """Go through every customer's transitions in their order."""
    with database.read() as connection:
        about, by_customer = _read(connection)
    told = Told()
    for transitions in by_customer.values():
        _Customer(about, rules, told).go_through(transitions)
    return told


def _read(connection: Connection) -> tuple[dict[UUID, Any], dict[UUID, list[Any]]]:
    about = {
        row.id: row
        for row in connection.execute(
            text("SELECT id, class AS class_, topic, offer, priority, state, on_full FROM message")
        )
    }
    by_customer: dict[UUID, list[Any]] = defaultdict(list)
    for row in connection.execute(
        text(
            'SELECT customer_id, message_id, seq, at, "from" AS was, "to" AS becomes, reason, rule, '
            "channel, zone FROM message_transition ORDER BY customer_id, seq, at"
        )
    ):
        by_customer[row.customer_id].append(row)
    return about, by_customer


class _Customer:
    """One customer's record, replayed."""

    def __init__(
        self, about: Mapping[UUID, Any], rules: Sequence[Mapping[str, Any]], told: Told
    ) -> None:
        self.about, self.rules, self.told = about, rules, told
        self.states: dict[UUID, str | None] = {}
        self.slots: dict[UUID, _Slot] = {}
        self.waiting: dict[UUID, _Waiting] = {}
        self.first_deferred: dict[UUID, datetime] = {}
        self.longest = max((_length(rule["per"]) for rule in rules), default=timedelta())

    def go_through(self, transitions: Iterable[Any]) -> None:
        for row in transitions:
            if self.states.get(row.message_id) != row.was:
                self._wrong(row, f"begins from {row.was}, not {self.states.get(row.message_id)}")
            self.states[row.message_id] = row.becomes
            if self.about[row.message_id].class_ == "marketing":
                self._take(row)
        for id, state in self.states.items():
            if self.about[id].state != state:
                self.told.problems.append(
                    f"{id} is {self.about[id].state}, its record says {state}"
                )

    def _take(self, row: Any) -> None:
        id = row.message_id
        if self.slots and next(iter(self.slots.values())).at < row.at - self.longest:
            self.slots = {
                id: slot for id, slot in self.slots.items() if slot.at >= row.at - self.longest
            }
        match row.becomes:
            case "claimed" if row.was == "unknown":
                pass  # handed over again under its key: it has its slot
            case "claimed":
                self.told.claims += 1
                self._claim(row)
                self.waiting.pop(id, None)
                self.slots[id] = self._slot(row)
            case "deferred" if row.was == "deferred":  # moved to another channel
                self.waiting[id].channel = row.channel
            case "deferred":
                if row.reason == "cap":
                    self._deferral(row)
                self.first_deferred.setdefault(id, row.at)
                self.waiting[id] = _Waiting(
                    self.first_deferred[id], row.channel, row.reason == "throttled"
                )
            case "decided" | "failed" | "skipped":
                if row.becomes == "skipped" and row.reason == "cap":
                    self.told.skips += 1
                self.slots.pop(id, None)
                self.waiting.pop(id, None)
            case _:  # sent, unknown: it keeps its slot
                pass

    def _slot(self, row: Any) -> _Slot:
        message = self.about[row.message_id]
        return _Slot(row.at, row.channel, message.topic, message.offer)

    def _claim(self, row: Any) -> None:
        own = self._slot(row)
        after = [*self.slots.values(), own]
        priority = self.about[row.message_id].priority
        for rule in self.rules:
            if _counts(rule, own) and _held(rule, after, row.at, row.zone) > _limit(rule, priority):
                self._wrong(row, f"is over the limit of {rule['id']}")
        mine = (-priority, self.first_deferred.get(row.message_id, row.at))
        for id, other in self.waiting.items():
            rank = (-self.about[id].priority, other.since)
            if id == row.message_id or other.throttled or rank >= mine:
                continue
            before = list(self.slots.values())
            if self._fits(id, other.channel, before, row) and not self._fits(
                id, other.channel, after, row
            ):
                self._wrong(row, f"was granted against {id}, which is ahead of it")

    def _deferral(self, row: Any) -> None:
        """A cap may put off only what is over it, or what robs somebody who is ahead."""
        self.told.deferrals += 1
        id, before = row.message_id, list(self.slots.values())
        if not self._fits(id, row.channel, before, row):
            return
        mine = (-self.about[id].priority, self.first_deferred.get(id, row.at))
        after = [*before, self._slot(row)]
        if any(
            (-self.about[other].priority, waits.since) < mine  # its throttling may be over
            and self._fits(other, waits.channel, before, row)
            and not self._fits(other, waits.channel, after, row)
            for other, waits in self.waiting.items()
            if other != id
        ):
            self.told.yields += 1
            return
        self._wrong(row, "was put off although there is room: a slot was lost")

    def _fits(self, id: UUID, channel: str, slots: Sequence[_Slot], row: Any) -> bool:
        message = self.about[id]
        own = _Slot(row.at, channel, message.topic, message.offer)
        return all(
            _held(rule, [*slots, own], row.at, row.zone) <= _limit(rule, message.priority)
            for rule in self.rules
            if _counts(rule, own)
        )

    def _wrong(self, row: Any, what: str) -> None:
        message = self.about[row.message_id]
        own = f"{row.channel}, {message.topic}, {message.offer}, priority {message.priority}"
        held = "; ".join(f"{id} {slot}" for id, slot in self.slots.items())
        line = "; ".join(f"{id} {waits}" for id, waits in self.waiting.items())
        self.told.problems.append(
            f"{row.message_id} ({own}, {message.on_full}) at {row.at.isoformat()} in {row.zone}, "
            f"rule {row.rule}: {what}\n  held: {held}\n  waiting: {line}"
        )


def _counts(rule: Mapping[str, Any], slot: _Slot) -> bool:
    return all(
        not rule.get(key) or value in rule[key]
        for key, value in (
            ("channels", slot.channel),
            ("topics", slot.topic),
            ("offers", slot.offer),
        )
    )


def _limit(rule: Mapping[str, Any], priority: int) -> int:
    keep = rule.get("keep")
    kept = keep["slots"] if keep and priority <= keep["above_priority"] else 0
    return int(rule["limit"] - kept)


def _held(rule: Mapping[str, Any], slots: Sequence[_Slot], now: datetime, zone: str) -> int:
    per = rule["per"]
    if per in {"day", "week", "month"}:
        start = _begin(per, now, zone)
        return sum(start <= slot.at <= now for slot in slots if _counts(rule, slot))
    since = now - timedelta(seconds=int(per[:-1]) * _UNITS[per[-1]])
    return sum(since < slot.at <= now for slot in slots if _counts(rule, slot))


def _length(per: str) -> timedelta:
    """How far back a window can reach, at most."""
    units = {"day": 2, "week": 8, "month": 32}
    if per in units:
        return timedelta(days=units[per])
    return timedelta(seconds=int(per[:-1]) * _UNITS[per[-1]])


def _begin(per: str, now: datetime, zone: str) -> datetime:
    day = now.astimezone(ZoneInfo(zone)).date()
    if per == "week":
        day -= timedelta(days=day.weekday())
    elif per == "month":
        day = day.replace(day=1)
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
