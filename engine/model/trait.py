"""What is computed of customers: traits from what they did, and scores.

A computed trait comes to one value for each customer: an aggregate over her events (`EventTrait`),
her place among all customers (`QuantileTrait`), or several of these written together
(`JoinedTrait`). A score adds points up and lets them fade.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from engine.model.base import WHOLE, Frozen, Name, tag, told_by_key
from engine.model.condition import All, AnyOf, Condition, Not, PropertyIs, parts
from engine.model.duration import Duration
from engine.model.refusal import refusal

_ID = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"


def _trait_id(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_ID, value):
        raise refusal(
            "trait_id",
            "write a name of letters, digits and _, not beginning with a digit, at most 63 characters",
        )
    return value


TraitId = Annotated[str, BeforeValidator(_trait_id), StringConstraints(pattern=_ID)]
"""A trait's name in conditions and templates: letters, digits and `_`, not a digit first."""

Take = Literal[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "distinct",
    "first",
    "last",
    "most",
    "first_at",
    "last_at",
    "interval",
]
"""What is made of a customer's events."""

TAKES: tuple[Take, ...] = (
    "count", "sum", "avg", "min", "max", "distinct", "first", "last", "most",
    "first_at", "last_at", "interval",
)  # fmt: skip

OF_EVENTS_ALONE: frozenset[Take] = frozenset({"count", "first_at", "last_at", "interval"})
"""What is made of the events themselves; everything else is made of a property of theirs."""

SCORE_REACHED = "Score Reached"
SCORE_DROPPED = "Score Dropped"
"""The events of a score that reaches one of its thresholds, or falls below it."""

_MOST_POINTS = 1_000_000


class _Named(Frozen):
    id: TraitId
    name: Name = Field(description="what marketers call it")


class _OfEvent(Frozen):
    event: Name
    where: Condition | None = Field(default=None, description="asks the event's properties alone")

    @model_validator(mode="after")
    def _asks_the_event_alone(self) -> Self:
        for part in parts(self.where) if self.where is not None else ():
            if not isinstance(part, All | AnyOf | Not | PropertyIs):
                raise refusal(
                    "trait_where",
                    "`where` can only ask the event's properties, as in {property: currency, eq: CHF}",
                )
            if isinstance(part, PropertyIs) and (part.within or part.older_than):
                raise refusal(
                    "trait_where_time",
                    "`where` cannot ask how long ago a property's date is: its answer would change with time",
                )
        return self


class EventTrait(_OfEvent, _Named):
    """What a customer's events of a name come to, of all time or `within` so long.

    `of` names the property, `a.b` looks inside, and `products[].category` into each item of a
    list. `first` and `last` are values of the first and last event that has one, `most` the most
    frequent value; `first_at` and `last_at` are when, `interval` is the usual number of days
    between two days on which it happened (the median).
    """

    take: Take
    of: Name | None = None
    within: Duration | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.take in OF_EVENTS_ALONE and self.of is not None:
            raise refusal(
                "trait_of", "%(take)s is of the events themselves: leave out `of`", take=self.take
            )
        if self.take not in OF_EVENTS_ALONE and self.of is None:
            raise refusal("trait_of", "say which property with `of`, as in of: total")
        return self

    @property
    def empty(self) -> int | None:
        """Its value where there are no events."""
        return 0 if self.take in {"count", "sum", "distinct"} else None

    @property
    def dated(self) -> bool:
        """Whether its value is an instant."""
        return self.take in {"first_at", "last_at"}


class QuantileTrait(_Named):
    """In which of so many equal parts of all customers she is, by another trait.

    Part 1 has the lowest values; `reversed`, the highest. The borders are frozen once a day.
    Who has none of it, or zero, is in no part.
    """

    quantile_of: TraitId = Field(
        description="a computed trait that is a number or a date, or a score"
    )
    parts: Annotated[int, Field(ge=2, le=100), WHOLE] = 5
    reversed: bool = False

    @property
    def tops(self) -> tuple[float, ...]:
        """The shares of all customers, in percent, at whose borders the parts end; rising."""
        return tuple(round(100 * n / self.parts, 4) for n in range(1, self.parts))


class JoinedTrait(_Named):
    """Other computed traits, written one after the other: 5, 4 and 5 are 545.

    Missing as long as one of them is.
    """

    join: tuple[TraitId, ...] = Field(min_length=2, max_length=10)


AnyTrait = EventTrait | QuantileTrait | JoinedTrait

_KINDS = {"event": EventTrait, "quantile_of": QuantileTrait, "join": JoinedTrait}

Trait = Annotated[
    Annotated[EventTrait, Tag(tag("event"))]
    | Annotated[QuantileTrait, Tag(tag("quantile_of"))]
    | Annotated[JoinedTrait, Tag(tag("join"))],
    Discriminator(
        told_by_key(_KINDS),
        custom_error_type="trait",
        custom_error_message="a computed trait has one of: " + ", ".join(_KINDS),
    ),
]
"""Any computed trait."""


class TraitDocument(Frozen):
    """Reads any computed trait from its document."""

    trait: Trait

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> AnyTrait:
        """Return the trait; raises pydantic's `ValidationError`, its locations under `trait`."""
        return cls.model_validate({"trait": document}).trait


def of_others(trait: AnyTrait) -> tuple[str, ...]:
    """Return the other traits that this one is made of."""
    match trait:
        case EventTrait():
            return ()
        case QuantileTrait():
            return (trait.quantile_of,)
        case JoinedTrait():
            return trait.join


class ScoreRule(_OfEvent):
    """How many points an event brings; it may take some."""

    points: Annotated[int, Field(ge=-_MOST_POINTS, le=_MOST_POINTS), WHOLE]

    @model_validator(mode="after")
    def _of_others_events(self) -> Self:
        if self.event in {SCORE_REACHED, SCORE_DROPPED}:
            raise refusal(
                "score_circle",
                "a score cannot be fed by %(event)s: it would feed itself",
                event=self.event,
            )
        return self


class Level(Frozen):
    """A threshold of a score, by name."""

    at: Annotated[int, WHOLE]
    name: Name


class Score(_Named):
    """A whole number that events raise or lower, and that fades by half every `half_life`.

    It never leaves `floor` and `ceiling`. Reaching one of `thresholds` is an event of its own, and
    so is falling below it.
    """

    rules: tuple[ScoreRule, ...] = Field(min_length=1)
    half_life: Duration | None = None
    floor: Annotated[int, WHOLE] | None = None
    ceiling: Annotated[int, WHOLE] | None = None
    thresholds: tuple[Level, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.half_life is not None and self.half_life_days is None:
            raise refusal(
                "half_life", "a score fades by whole days: write the half-life like 30d or 4w"
            )
        if self.floor is not None and self.ceiling is not None and self.floor > self.ceiling:
            raise refusal("score_bounds", "the floor is above the ceiling")
        at = [level.at for level in self.thresholds]
        if len(set(at)) < len(at):
            raise refusal("score_thresholds", "two thresholds are at the same score")
        return self

    @property
    def half_life_days(self) -> int | None:
        """After how many days it has faded by half, None when it does not, or not by whole days."""
        calendar = self.half_life.calendar if self.half_life is not None else None
        return calendar[1] or None if calendar is not None and not calendar[0] else None

    def clamped(self, points: int) -> int:
        """Return the points kept between floor and ceiling."""
        if self.floor is not None:
            points = max(points, self.floor)
        return points if self.ceiling is None else min(points, self.ceiling)

    @property
    def empty(self) -> int:
        """Its value where nothing has happened."""
        return self.clamped(0)

    @property
    def levels(self) -> tuple[Level, ...]:
        """Its thresholds, the lowest first."""
        return tuple(sorted(self.thresholds, key=lambda level: level.at))
