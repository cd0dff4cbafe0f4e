"""Where a walk takes place: the journey as a plan, the shop's rules, and who walks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from designer.canvas.lately import Lately
from designer.canvas.look import Shown, look
from designer.walk.asked import Asked, MadeUp, made_up, presentable
from engine.compile.compiler import compile as compile_journey
from engine.compile.language import Mistake, uses
from engine.compile.plan import Plan
from engine.compile.validate import errors
from engine.errors import NotFound, Problem
from engine.flow.prepare import customer_of
from engine.model.base import CHANNELS
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.journey import Journey, SendStep
from engine.model.journey import walk as walk_steps
from engine.model.opening import OnEvent
from engine.model.snippet import bodies
from engine.model.topic import Subscription
from engine.run.changes import learned
from engine.run.entry import PastRuns, key_of
from engine.run.likely import events_asked, likely
from engine.run.walk import walk
from engine.run.walked import Start, Walked
from engine.store import catalogue as catalogues
from engine.store import events, runs, search
from engine.store.catalogue import Catalogue
from engine.store.session import Database

_EPOCH: Final = datetime(1, 1, 2, tzinfo=UTC)
_ALL: Final = 2**62

_USUAL: Final = {"first_name": "Alex", "firstName": "Alex", "name": "Alex"}
"""What somebody made up is called."""

_ADDRESSES: Final = {
    "email": ("email", "somebody@example.com"),
    "sms": ("phone", "+41790000000"),
    "whatsapp": ("phone", "+41790000000"),
    "push": ("push", ["a-device"]),
}
"""Where somebody made up can be reached, by channel; nothing is ever sent there."""


@dataclass(frozen=True, slots=True)
class Known:
    """A customer of the shop who walks, as the pages speak of her."""

    id: str
    traits: dict[str, Any]
    addresses: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """A journey that can be walked, or the `mistakes` that have to be mended first."""

    shown: Shown
    draft: bool
    catalogue: Catalogue
    plan: Plan | None
    mistakes: tuple[Problem, ...] = ()

    @property
    def journey(self) -> Journey:
        """The journey that is walked through."""
        return self.shown.journey

    @property
    def zone(self) -> str:
        """The shop's time zone."""
        return self.catalogue.workspace.time_zone


def scene(database: Database, lately: Lately, journey_id: str, *, draft: bool) -> Scene:
    """Read a journey: what is live, or else (or when asked for) the draft."""
    shown = look(database, lately, journey_id, draft=draft, writes=False, fresh=True)
    drafted = draft or shown.found.live is None
    with database.read() as connection:
        catalogue = catalogues.current(database, connection)
    mistakes = tuple(errors(shown.problems))
    plan = None if mistakes else compile_journey(shown.journey)
    return Scene(shown, drafted, catalogue, plan, mistakes)


def begin(scene: Scene, now: datetime) -> Asked:
    """Return a walk of somebody made up who would enter; it begins with the next minute."""
    at = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    found = likely(scene.journey, scene.catalogue.segments, at, scene.zone)
    used = _used_by_templates(scene)
    traits = {**{name: _USUAL.get(name) for name in sorted(used["customer"])}, **found.traits}
    properties = {**found.properties, **dict.fromkeys(sorted(used["event"] - {*found.properties}))}
    made = made_up(replace(found, traits=presentable(traits)))
    return Asked(made=made, at=at, properties=presentable(properties))


def _used_by_templates(scene: Scene) -> dict[str, set[str]]:
    """Return the traits and the event's properties that the journey's messages speak of."""
    found: dict[str, set[str]] = {"customer": set(), "event": set()}
    catalogue = scene.catalogue
    pieces = bodies(catalogue.snippets, catalogue.workspace.locale)
    for step in walk_steps(scene.journey.steps):
        if not isinstance(step, SendStep):
            continue
        names = {step.template, *(one.set.get("template") for one in step.variants)}
        for template in (catalogue.templates.get(str(name)) for name in names):
            texts = template.content(catalogue.workspace.locale).texts() if template else {}
            for text in texts.values():
                for of, name in _variables(text, pieces):
                    if of in found:
                        found[of].add(name)
    return {"customer": found["customer"] - {"id"}, "event": found["event"]}


def _variables(text: str, pieces: dict[str, str]) -> list[tuple[str, str]]:
    """Return what a text uses, as far as its first two names; nothing when it cannot be read."""
    try:
        used = uses(text, pieces).variables
    except Mistake:
        return []
    return [(str(path[0]), str(path[1])) for path in used if len(path) > 1]


def of_customer(connection: Connection, scene: Scene, asked: Asked, reference: str) -> Asked:
    """Return the walk of a customer of the shop, with her own last such event when there is one.

    `reference` is her internal id: what is personal has no place in an address. Raises `NotFound`
    when there is no such customer.
    """
    if ":" in reference:
        raise NotFound("A customer who walks is named by her internal id.")
    customer = search.find(connection, reference)
    properties = likely(scene.journey, scene.catalogue.segments, asked.at, scene.zone).properties
    on = scene.journey.entry.on
    last = events.last(connection, customer, [on.event]) if isinstance(on, OnEvent) else None
    if last is not None and isinstance(on, OnEvent) and last.name == on.event:
        properties = {**dict.fromkeys(properties), **last.properties}
    return asked.begun_again(customer=customer, properties=presentable(properties))


def known(connection: Connection, asked: Asked) -> Known | None:
    """Return the customer of the shop who walks, if it is one."""
    if asked.customer is None:
        return None
    found = search.customer(connection, search.find(connection, str(asked.customer)))
    return Known(found["id"], found["traits"] or {}, found["addresses"] or {})


def walked(connection: Connection, scene: Scene, asked: Asked) -> Walked:
    """Walk; raises `NotFound` when the customer is gone."""
    assert scene.plan is not None  # noqa: S101 - a journey with mistakes is not walked
    return walk(scene.plan, _start(connection, scene, asked), asked.choices)


def _start(connection: Connection, scene: Scene, asked: Asked) -> Start:
    catalogue = scene.catalogue
    past = PastRuns()
    if asked.customer is None:
        customer, history = _somebody(asked.made), _made_history(asked, scene.zone)
    else:
        customer = customer_of(connection, search.find(connection, str(asked.customer)), catalogue)
        history = _history(connection, scene, customer.id, asked.at)
        past = _past(connection, scene, customer.id, asked)
    return Start(
        customer=customer,
        zone=customer.time_zone or scene.zone,
        at=asked.at,
        properties={k: value for k, value in asked.properties.items() if value is not None},
        history=history,
        segments=catalogue.segments,
        topics=catalogue.topics,
        activities=catalogue.activities,
        thresholds=catalogue.thresholds,
        past=past,
        anyway=asked.anyway,
        arms=asked.arms,
    )


def _somebody(made: MadeUp) -> Customer:
    somebody = learned(
        Customer(id=made.id), {k: value for k, value in made.traits.items() if value is not None}
    )
    reached = dict(_ADDRESSES[channel] for channel in made.channels)
    consent: dict[str, dict[str, Subscription]] = {
        topic: dict.fromkeys(CHANNELS, "subscribed" if wanted else "unsubscribed")
        for topic, wanted in made.topics.items()
    }
    own = {kind: somebody.addresses.get(kind) or address for kind, address in reached.items()}
    return replace(somebody, addresses=own, consent=consent)


def _made_history(asked: Asked, zone: str) -> list[Event]:
    done = [(did.ago.before(asked.at, zone), did) for did in asked.made.before]
    several = [(at, did) for at, did in done for _ in range(did.times)]
    several.sort(key=lambda one: one[0])
    return [
        Event(
            id=UUID(int=seq), seq=seq, name=did.event, properties=dict(did.properties),
            occurred_at=at, received_at=at,
        )
        for seq, (at, did) in enumerate(several, 1)
    ]  # fmt: skip


def _history(connection: Connection, scene: Scene, customer: UUID, at: datetime) -> list[Event]:
    """Return what she had done by then, as far as the journey may ask for it."""
    names = events_asked(scene.journey, scene.catalogue.segments)
    found = [
        event
        for name in sorted(names)
        for event in events.past(connection, customer, name, since=_EPOCH, after=-1, until=_ALL)
        if event.received_at <= at
    ]
    return sorted(found, key=lambda event: event.seq)


def _past(connection: Connection, scene: Scene, customer: UUID, asked: Asked) -> PastRuns:
    assert scene.plan is not None  # noqa: S101 - a journey with mistakes is not walked
    event = Event(
        id=customer, seq=0, name="", properties=dict(asked.properties),
        occurred_at=asked.at, received_at=asked.at,
    )  # fmt: skip
    key = key_of(scene.plan, event)
    return runs.past(connection, customer, scene.journey.id, key) if key is not None else PastRuns()
