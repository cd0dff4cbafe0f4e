"""Words that the shop's data uses: names of events, their properties, and traits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from sqlalchemy import Connection, text

from engine.model.trait import AnyTrait, EventTrait, JoinedTrait, QuantileTrait
from engine.store import definitions

Kind = Literal["text", "number", "date", "list", "yes_no"]
"""What the values of a name are, where all of those that were looked at are alike."""

_MOST = 300
_KIND = """CASE jsonb_typeof({value})
    WHEN 'string' THEN
        CASE WHEN {value} #>> '{{}}' ~ '^\\d{{4}}-\\d\\d-\\d\\d' THEN 'date' ELSE 'text' END
    WHEN 'boolean' THEN 'yes_no' WHEN 'array' THEN 'list' WHEN 'number' THEN 'number'
    WHEN 'object' THEN 'object' END""".format(value="k.value")
_EVENTS = text(f"""
    WITH newest AS (
        SELECT name, properties FROM event ORDER BY received_at DESC, id DESC LIMIT 2000
    ), said AS (
        SELECT s.name, k.key, array_agg(DISTINCT {_KIND}) FILTER (WHERE {_KIND} IS NOT NULL) AS kinds
        FROM newest s LEFT JOIN LATERAL jsonb_each(s.properties) AS k ON true
        GROUP BY s.name, k.key
    )
    SELECT name, jsonb_object_agg(key, kinds) FILTER (WHERE key IS NOT NULL) AS keys
    FROM said GROUP BY name ORDER BY name LIMIT :most
""")  # noqa: S608 - constants
_TRAITS = text(f"""
    SELECT k.key, array_agg(DISTINCT {_KIND}) FILTER (WHERE {_KIND} IS NOT NULL) AS kinds
    FROM (SELECT traits FROM customer ORDER BY id DESC LIMIT 500) AS newest
    CROSS JOIN LATERAL jsonb_each(newest.traits) AS k GROUP BY k.key ORDER BY k.key LIMIT :most
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What events are called, what each of the last ones said, and what is known of customers.

    `trait_kinds` and `property_kinds` (by event) are of the names whose kind is plain;
    `trait_names` is what people call those traits that are computed, and the scores.
    """

    events: tuple[str, ...] = ()
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    trait_kinds: Mapping[str, Kind] = field(default_factory=dict)
    property_kinds: Mapping[str, Mapping[str, Kind]] = field(default_factory=dict)
    trait_names: Mapping[str, str] = field(default_factory=dict)


def vocabulary(connection: Connection) -> Vocabulary:
    """Look through the newest events and customers; rare words may be missing."""
    events = connection.execute(_EVENTS, {"most": _MOST}).all()
    traits = connection.execute(_TRAITS, {"most": _MOST}).all()
    computed, scores = definitions.traits(connection), definitions.scores(connection)
    told = {row.key: row.kinds for row in traits}
    return Vocabulary(
        events=tuple(row.name for row in events),
        properties={row.name: tuple(sorted(row.keys or ())) for row in events},
        traits=tuple(sorted({*told, *computed, *scores})),
        trait_kinds={
            **_plain(told),
            **{id: kind for id, one in computed.items() if (kind := kind_of(one)) is not None},
            **dict.fromkeys(scores, "number"),
        },
        property_kinds={row.name: _plain(row.keys or {}) for row in events},
        trait_names={one.id: one.name for one in (*computed.values(), *scores.values())},
    )


def kind_of(trait: AnyTrait) -> Kind | None:
    """Return what a computed trait's values are, None when that depends on its property."""
    match trait:
        case EventTrait(take="first_at" | "last_at"):
            return "date"
        case EventTrait(take="first" | "last" | "most"):
            return None
        case JoinedTrait():
            return "text"
        case EventTrait() | QuantileTrait():
            return "number"


def _plain(kinds: Mapping[str, list[str] | None]) -> dict[str, Kind]:
    return {
        name: cast("Kind", found[0])
        for name, found in kinds.items()
        if found and len(found) == 1 and found[0] in get_args(Kind)
    }
