"""Conditions: one grammar for entry, branches, segments and the `where` of events.

A condition is a mapping whose first key tells its kind, as in `{trait: tier, eq: gold}` or
`{all: [...]}`. Adding a kind is one class here, one entry in `KINDS`, one case in
`engine/run/conditions.py`, `engine/run/changing.py` and `engine/store/conditions_sql.py` each, and
the property tests hold these together.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal, Self, assert_never

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from engine.model.base import (
    WHOLE,
    Channel,
    Frozen,
    Json,
    Name,
    Percent,
    Slug,
    tag,
    told_by_key,
)
from engine.model.duration import Duration
from engine.model.refusal import refusal

OPERATORS = ("eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "contains", "starts_with",
             "exists", "before", "after", "within", "older_than", "top", "bottom")  # fmt: skip
"""Every operator, in the order forms offer them."""

RANKS = ("top", "bottom")
"""Those that compare with all customers, which only a trait can."""


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float):
        raise refusal("scalar", "compare with a text, a number, true or false")
    return value


def _ordered(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refusal("ordered", "compare with a number or a text")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("number", "write a number")
    return value


def _dated(value: object) -> object:
    if isinstance(value, str):
        with suppress(ValueError):
            datetime.fromisoformat(value)
            return value
    raise refusal("dated", "write a date like 2026-01-31, or an instant like 2026-01-31T10:00:00Z")


def _part(value: int) -> int:
    if not 0 < value < 100:
        raise refusal("part", 'write more than "0%" and less than "100%"')
    return value


Scalar = Annotated[str | int | float | bool, BeforeValidator(_scalar)]
Ordered = Annotated[str | int | float, BeforeValidator(_ordered)]
Dated = Annotated[str, BeforeValidator(_dated, json_schema_input_type=str)]


Part = Annotated[
    Percent,
    AfterValidator(_part),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]?%$", "examples": ["5%"]}),
]
"""A part of all customers, written `"5%"`."""


class TraitTimes(Frozen):
    """A length of time that is known of the customer, so many times.

    The trait is a number of days, or a duration like `30d`.
    """

    trait: Name
    times: Annotated[int | float, Field(gt=0, le=1000), BeforeValidator(_number)] = 1


def _length(value: Any) -> str:
    return tag("trait") if isinstance(value, dict | TraitTimes) else tag("length")


Age = Annotated[
    Annotated[Duration, Tag(tag("length"))] | Annotated[TraitTimes, Tag(tag("trait"))],
    Discriminator(_length),
]
"""How old something is: a duration, or one that is known of the customer."""


class Comparison(Frozen):
    """What a value is compared with; several operators must all hold.

    A missing value makes every comparison false except `ne`, `nin` and `exists: false`.
    """

    _operators: tuple[tuple[str, Json], ...] = PrivateAttr(default=())

    eq: Scalar | None = None
    ne: Scalar | None = None
    in_: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    nin: tuple[Scalar, ...] | None = None
    gt: Ordered | None = None
    gte: Ordered | None = None
    lt: Ordered | None = None
    lte: Ordered | None = None
    contains: Scalar | None = None
    starts_with: str | None = None
    exists: bool | None = None
    before: Dated | None = Field(default=None, description="an ISO date or instant")
    after: Dated | None = Field(default=None, description="an ISO date or instant")
    within: Duration | None = Field(default=None, description="at most this long ago")
    older_than: Age | None = Field(default=None, description="at least this long ago")

    @model_validator(mode="before")
    @classmethod
    def _ranks(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not cls.model_fields.keys() >= {*RANKS}:
            for name in RANKS:
                if name in value:
                    raise refusal(
                        "rank",
                        "`%(name)s` compares with all customers, which only a trait can: "
                        "write it beside `trait`",
                        name=name,
                    )
        return value

    @model_validator(mode="after")
    def _compares(self) -> Self:
        self._operators = self._told()
        if not self._operators:
            raise refusal(
                "operator", "say what to compare with: one of %(known)s", known=", ".join(OPERATORS)
            )
        return self

    @property
    def operators(self) -> tuple[tuple[str, Json], ...]:
        """Each operator that is set, with its operand."""
        return self._operators

    def _told(self) -> tuple[tuple[str, Json], ...]:
        told = (
            (name, self.in_ if name == "in" else getattr(self, name, None)) for name in OPERATORS
        )
        return tuple(
            (name, list(value) if isinstance(value, tuple) else value)
            for name, value in told
            if value is not None
        )


_Often = Annotated[int, Field(ge=0), WHOLE]


class Count(Frozen):
    """How often something must have happened."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    eq: _Often | None = None
    gt: _Often | None = None
    gte: _Often | None = None
    lt: _Often | None = None
    lte: _Often | None = None

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise refusal("count", "say how often: gte, gt, eq, lt or lte")
        return self

    def holds(self, n: int) -> bool:
        """Whether `n` satisfies every bound."""
        return (
            (self.eq is None or n == self.eq)
            and (self.gt is None or n > self.gt)
            and (self.gte is None or n >= self.gte)
            and (self.lt is None or n < self.lt)
            and (self.lte is None or n <= self.lte)
        )


class All(Frozen):
    """Every one of these holds."""

    all: tuple["Condition", ...] = Field(min_length=1)


class AnyOf(Frozen):
    """At least one of these holds."""

    any: tuple["Condition", ...] = Field(min_length=1)


class Not(Frozen):
    """This does not hold."""

    not_: "Condition" = Field(alias="not")


_TWO_KEYS = ConfigDict(json_schema_extra={"minProperties": 2})
"""What is compared, and an operator."""


class _OfTrait(Frozen):
    trait: Name


class _OfProperty(Frozen):
    property: Name


class TraitIs(Comparison, _OfTrait):
    """A trait of the customer compares so; `a.b` looks inside.

    `top` and `bottom` are parts of all customers who have the trait as a number: from a threshold
    on that is frozen once a day, because it moves when others buy.
    """

    model_config = _TWO_KEYS
    top: Part | None = Field(default=None, description="among the highest of all customers")
    bottom: Part | None = Field(default=None, description="among the lowest of all customers")

    def ranks(self) -> Iterator[tuple[str, int]]:
        """Yield `top` and `bottom` where set, with the `top` part that their threshold begins.

        Whoever is at most at the threshold of the top 95 % is in the bottom 5 %.
        """
        if self.top is not None:
            yield "top", self.top
        if self.bottom is not None:
            yield "bottom", 100 - self.bottom


class PropertyIs(Comparison, _OfProperty):
    """A property of the event at hand compares so; `a.b` looks inside."""

    model_config = _TWO_KEYS


class EventMatch(Frozen):
    """An event by its name, what its properties say, and the step whose message it is about."""

    event: Name
    where: "Condition | None" = None
    message: Slug | None = Field(default=None, description="the step that sent the message")


class EventHappened(EventMatch):
    """The customer has had such events, so many of them, within so long."""

    count: Count | None = None
    within: Duration | None = None


Aggregate = Literal["sum", "avg", "min", "max", "distinct", "first", "last"]
"""What is made of a property over several events."""

AGGREGATES: tuple[Aggregate, ...] = ("sum", "avg", "min", "max", "distinct", "first", "last")


class _OfEvents(EventMatch):
    sum: Name | None = None
    avg: Name | None = None
    min: Name | None = None
    max: Name | None = None
    distinct: Name | None = None
    first: Name | None = None
    last: Name | None = None


class EventValue(Comparison, _OfEvents):
    """What a property comes to over such events of hers, within so long, compares so.

    Numbers have a sum, an average, a least and a greatest; `distinct` counts different values;
    `first` and `last` are the values of the first and the last event that has one. Of no events
    the sum and the count are 0, and everything else is missing.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 3,
            "oneOf": [{"required": [name]} for name in AGGREGATES],
        }
    )

    @model_validator(mode="after")
    def _one_aggregate(self) -> Self:
        if len([name for name in AGGREGATES if getattr(self, name) is not None]) != 1:
            raise refusal("aggregate", "take one of %(known)s", known=", ".join(AGGREGATES))
        return self

    @property
    def aggregate(self) -> tuple[Aggregate, str]:
        """What is made of which property."""
        return next(
            (name, value) for name in AGGREGATES if (value := getattr(self, name)) is not None
        )

    def _told(self) -> tuple[tuple[str, Json], ...]:
        # `within` says which events are looked at.
        return tuple((name, value) for name, value in super()._told() if name != "within")


class Anniversary(Frozen):
    """The yearly return of a date is today, or comes within so long, where the customer is.

    29 February returns on 28 February in other years.
    """

    anniversary: Name = Field(description="the trait that holds the date")
    within: Duration


class InSegment(Frozen):
    """The customer is in this segment now."""

    segment: Slug


class StepWas(Frozen):
    """What became of an earlier step of this run."""

    step: Slug
    is_: str = Field(alias="is", description="sent, skipped, failed, unknown, or an arm's id")


class ResultOf(Frozen):
    """A part of what an earlier step kept; `a.b` looks inside."""

    step: Slug
    name: Name


class _OfResult(Frozen):
    result: ResultOf


class ResultIs(Comparison, _OfResult):
    """What an earlier calling step of this run kept compares so."""

    model_config = _TWO_KEYS


class Reachable(Frozen):
    """The customer can be reached on this channel."""

    reachable: Channel


class Subscribed(Frozen):
    """The customer wants messages of this topic: on this channel, or on any."""

    subscribed: Slug
    channel: Channel | None = None


AnyCondition = (
    All
    | AnyOf
    | Not
    | TraitIs
    | PropertyIs
    | EventHappened
    | EventValue
    | Anniversary
    | InSegment
    | StepWas
    | ResultIs
    | Reachable
    | Subscribed
)

KINDS: dict[str, type[Frozen]] = {
    "all": All,
    "any": AnyOf,
    "not": Not,
    "trait": TraitIs,
    "property": PropertyIs,
    "event": EventHappened,
    "anniversary": Anniversary,
    "segment": InSegment,
    "step": StepWas,
    "result": ResultIs,
    "reachable": Reachable,
    "subscribed": Subscribed,
}
"""The key that tells each kind of condition; an `event` may also be an `EventValue`."""

_told = told_by_key(KINDS)


def _kind(value: Any) -> str | None:
    if isinstance(value, EventValue):
        return tag("value")
    kind = _told(value)
    of_events = kind == tag("event") and isinstance(value, Mapping)
    return tag("value") if of_events and any(name in value for name in AGGREGATES) else kind


Condition = Annotated[
    Annotated[All, Tag(tag("all"))]
    | Annotated[AnyOf, Tag(tag("any"))]
    | Annotated[Not, Tag(tag("not"))]
    | Annotated[TraitIs, Tag(tag("trait"))]
    | Annotated[PropertyIs, Tag(tag("property"))]
    | Annotated[EventHappened, Tag(tag("event"))]
    | Annotated[EventValue, Tag(tag("value"))]
    | Annotated[Anniversary, Tag(tag("anniversary"))]
    | Annotated[InSegment, Tag(tag("segment"))]
    | Annotated[StepWas, Tag(tag("step"))]
    | Annotated[ResultIs, Tag(tag("result"))]
    | Annotated[Reachable, Tag(tag("reachable"))]
    | Annotated[Subscribed, Tag(tag("subscribed"))],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message="a condition starts with one of: " + ", ".join(KINDS),
    ),
]
"""Any condition."""

for _model in (All, AnyOf, Not, EventMatch, EventHappened, _OfEvents, EventValue):
    _model.model_rebuild()


def parts(condition: AnyCondition) -> Iterator[AnyCondition]:
    """Yield the condition and everything it is made of, outermost first."""
    yield condition
    match condition:
        case All():
            for part in condition.all:
                yield from parts(part)
        case AnyOf():
            for part in condition.any:
                yield from parts(part)
        case Not():
            yield from parts(condition.not_)
        case EventHappened() | EventValue():
            if condition.where is not None:
                yield from parts(condition.where)
        case TraitIs() | PropertyIs() | Anniversary() | InSegment() | StepWas():
            pass
        case Reachable() | Subscribed():
            pass
        case ResultIs():
            pass
        case _:
            assert_never(condition)
