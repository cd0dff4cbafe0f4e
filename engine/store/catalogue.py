"""What marketers have set up, remembered by a process until it changes.

`workspace.revision` rises with every change and is read with each customer's lock, so a
transaction never decides by rules older than itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select

from engine.compile.compiler import compile as compile_journey
from engine.compile.mentions import horizons, mentioned
from engine.model.activity import ActivityType
from engine.model.cap import Cap
from engine.model.condition import AnyCondition
from engine.model.duration import Duration
from engine.model.hook import Hook
from engine.model.journey import Journey
from engine.model.opening import opening_event
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template
from engine.model.topic import Topic, topic_named
from engine.model.workspace import Workspace
from engine.run.deriving import Derivation
from engine.run.machine import Machine
from engine.store import activities, definitions, hooks, snippets, tables
from engine.store.documents import workspace_of
from engine.store.session import Database


@dataclass(frozen=True, slots=True)
class Live:
    """A published journey that customers can enter; when paused, they are refused.

    What is due in a paused one is held.
    """

    machine: Machine
    version: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that holds at one revision."""

    revision: int
    workspace: Workspace
    caps: tuple[Cap, ...]
    segments: Mapping[str, AnyCondition]
    templates: Mapping[str, Template]
    topics: Mapping[str, Topic]
    snippets: Mapping[str, Snippet]
    live: Mapping[str, Live]
    by_event: Mapping[str, tuple[Live, ...]] = field(default_factory=dict)
    segment_names: Mapping[str, str] = field(default_factory=dict)
    building: frozenset[str] = frozenset()
    """Segments for which everybody is being looked at."""
    mentioned: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The segments that depend on a thing, by its mention (see `engine.compile.mentions`)."""
    horizons: Mapping[str, Mapping[str, frozenset[Duration | None]]] = field(default_factory=dict)
    """How far back each segment asks for the events of a name."""
    hooks: tuple[Hook, ...] = ()
    activities: Mapping[str, ActivityType] = field(default_factory=dict)
    derivation: Derivation = field(default_factory=Derivation)
    thresholds: Mapping[tuple[str, int], float] = field(default_factory=dict)
    ending: frozenset[str] = frozenset()
    """Archived journeys that take out those who are inside."""

    def topic(self, name: str) -> Topic:
        """Return a topic; one that nobody has defined is as a new one."""
        return self.topics.get(name) or topic_named(name)

    def holds(self, journey: str) -> str | None:
        """Return why what is due in a journey is held, or None when it is not."""
        if journey in self.ending:
            return "archived"
        found = self.live.get(journey)
        return "paused" if found is not None and found.paused else None


class _Memory:
    def __init__(self) -> None:
        self.catalogue: Catalogue | None = None
        self.machines: dict[str, Machine] = {}


_MEMORIES: WeakKeyDictionary[Database, _Memory] = WeakKeyDictionary()


def current(database: Database, connection: Connection, revision: int | None = None) -> Catalogue:
    """Return the catalogue, read again when `revision` (asked for when None) is another one."""
    memory = _MEMORIES.setdefault(database, _Memory())
    if revision is None:
        revision = connection.execute(_REVISION).scalar_one()
    known = memory.catalogue
    if known is None or known.revision != revision:
        known = _read(connection, memory)
        # Each statement sees what is committed by then: somebody may have published in between.
        while known.revision != connection.execute(_REVISION).scalar_one():
            known = _read(connection, memory)
        memory.catalogue = known
    return known


def machine(database: Database, connection: Connection, plan_hash: str) -> Machine:
    """Return the machine of a published version by its content hash; versions never change."""
    memory = _MEMORIES.setdefault(database, _Memory())
    found = memory.machines.get(plan_hash)
    if found is None:
        document = connection.execute(_BY_HASH, {"hash": plan_hash}).scalar_one()
        found = memory.machines[plan_hash] = _machine(document, plan_hash)
    return found


_ENDING = select(tables.journey.c.id).where(
    tables.journey.c.state == "archived", tables.journey.c.ending
)
_REVISION = select(tables.workspace.c.revision)
_BY_HASH = (
    select(tables.journey_version.c.document)
    .where(tables.journey_version.c.hash == tables.bound("hash"))
    .limit(1)
)


def _machine(document: dict[str, object], plan_hash: str) -> Machine:
    """Return the machine of a version under the hash by which runs know it.

    A later release may hash otherwise; what was published keeps its name.
    """
    plan = compile_journey(Journey.model_validate(document))
    return Machine(replace(plan, hash=plan_hash))


def _read(connection: Connection, memory: _Memory) -> Catalogue:
    row = connection.execute(select(tables.workspace)).one()
    caps = connection.execute(select(tables.cap.c.rule).order_by(tables.cap.c.id)).scalars()
    segments = connection.execute(select(tables.segment)).all()
    templates = connection.execute(select(tables.template.c.document)).scalars()
    topics = connection.execute(select(tables.topic.c.document)).scalars()
    live = _live(connection, memory)
    rules = {
        s.id: Segment.model_validate({"id": s.id, "name": s.name, "rule": s.rule}).rule
        for s in segments
    }
    derivation = definitions.derivation(connection, rules.values())
    by_event: dict[str, list[Live]] = {}
    for entry in live.values():
        event = opening_event(entry.machine.plan.journey.entry.on)
        if event is not None:
            by_event.setdefault(event, []).append(entry)
    return Catalogue(
        revision=row.revision,
        workspace=workspace_of(row.settings),
        caps=tuple(Cap.model_validate(rule) for rule in caps),
        segments=rules,
        segment_names={s.id: s.name for s in segments},
        building=frozenset(s.id for s in segments if s.state == "building"),
        mentioned=mentioned(rules),
        horizons={id: horizons(rule, rules) for id, rule in rules.items()},
        templates={t.id: t for t in map(Template.model_validate, templates)},
        topics={t.id: t for t in map(Topic.model_validate, topics)},
        snippets=snippets.every(connection),
        live=live,
        by_event={name: tuple(entries) for name, entries in by_event.items()},
        hooks=hooks.active(connection),
        activities=activities.every(connection),
        derivation=derivation,
        thresholds=_thresholds(derivation),
        ending=frozenset(connection.execute(_ENDING).scalars()),
    )


def _thresholds(derivation: Derivation) -> dict[tuple[str, int], float]:
    """Return the borders that conditions can ask for; a third of all customers is for traits alone."""
    return {
        (trait, int(top)): value
        for (trait, top), value in derivation.borders.items()
        if value is not None and top.is_integer()
    }


def _live(connection: Connection, memory: _Memory) -> dict[str, Live]:
    journey, version = tables.journey, tables.journey_version
    rows = connection.execute(
        select(journey.c.id, journey.c.state, version.c.version, version.c.hash, version.c.document)
        .join(
            version,
            (version.c.journey_id == journey.c.id) & (version.c.version == journey.c.live_version),
        )
        .where(journey.c.state.in_(("live", "paused")))
        .order_by(journey.c.id)
    )
    live = {}
    for row in rows:
        made = memory.machines.get(row.hash) or _machine(row.document, row.hash)
        memory.machines[row.hash] = made
        live[row.id] = Live(machine=made, version=row.version, paused=row.state == "paused")
    return live
