"""What a walk's page carries with it: who walks, and what was chosen. The server keeps nothing."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, ValidationError

from engine.errors import InvalidInput
from engine.model.base import Channel, Frozen, Name, Slug
from engine.model.duration import Duration
from engine.run.likely import Likely
from engine.run.walked import Choice

MOST_CHOICES: Final = 200
MOST_ROWS: Final = 50
LONGEST_NAME: Final = 200
LONGEST_VALUE: Final = 2_000
FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""When a walk may begin."""

_LONGEST: Final = 200_000
LONGEST_AFTER: Final = 10 * 366 * 86_400
"""Seconds; nothing is chosen to happen later than that."""

Values = Annotated[dict[Name, Any], Field(max_length=MOST_ROWS)]
"""What is known by name; None where a name is only proposed."""


def _soon(choice: Choice) -> Choice:
    if not 0 <= getattr(choice, "after", 0) <= LONGEST_AFTER:
        raise ValueError("nothing happens before, nor after ten years")
    return choice


class Did(Frozen):
    """Something that she has done before, so many times."""

    event: Name
    times: int = Field(default=1, ge=1, le=100)
    ago: Duration
    properties: Values = Field(default_factory=dict)


class MadeUp(Frozen):
    """A customer who is made up; her id draws her versions of messages and her ways by chance."""

    id: UUID
    traits: Values = Field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    topics: dict[Slug, bool] = Field(default_factory=dict, max_length=MOST_ROWS)
    before: tuple[Did, ...] = Field(default=(), max_length=MOST_ROWS)


class Asked(Frozen):
    """A walk as it was asked for: of a customer of the shop (`customer`), or of one made up."""

    customer: UUID | None = None
    made: MadeUp
    at: AwareDatetime = Field(ge=FIRST, le=LAST)
    properties: Values = Field(default_factory=dict)
    anyway: bool = False
    arms: dict[Slug, Slug] = Field(default_factory=dict, max_length=500)
    choices: tuple[Annotated[Choice, Field(discriminator="kind"), AfterValidator(_soon)], ...] = (
        Field(default=(), max_length=MOST_CHOICES)
    )

    def text(self) -> str:
        """Return it for a field of a form."""
        return self.model_dump_json()

    def begun_again(self, **changes: Any) -> "Asked":
        """Return the same walk before anything was chosen, with these changes."""
        fresh = {"anyway": False, "arms": {}, "choices": ()}
        return self.model_copy(update={**fresh, **changes})

    def a_step_back(self) -> "Asked":
        """Return the walk without its last choice."""
        if self.choices:
            return self.model_copy(update={"choices": self.choices[:-1]})
        return self.model_copy(update={"anyway": False})


_ASKED: Final = TypeAdapter(Asked)


def asked(text: str) -> Asked:
    """Read what a form has brought back; raises `InvalidInput` for what no page of ours sends."""
    try:
        return _ASKED.validate_python(plain_json(text))
    except ValidationError:
        raise InvalidInput("No page of ours sends such a walk.") from None


def plain_json(text: str) -> Any:
    """Read JSON that can be shown and kept; raises `InvalidInput` for any other text."""
    if len(text) > _LONGEST:
        raise InvalidInput("That is too long.")
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        json.dumps(found, ensure_ascii=False).encode()  # half of a character cannot be shown
    except (ValueError, RecursionError):
        raise InvalidInput("That is no JSON.") from None
    return found


def presentable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return of what is known by name as much as a form has room for."""
    fitting = (
        (name, value)
        for name, value in values.items()
        if 0 < len(name) <= LONGEST_NAME and len(json.dumps(value, default=str)) <= LONGEST_VALUE
    )
    return dict(islice(fitting, MOST_ROWS))


def made_up(found: Likely) -> MadeUp:
    """Return the customer who would enter, under a new id."""
    return MadeUp(
        id=uuid4(),
        traits=dict(found.traits),
        channels=found.channels,
        topics=dict(islice(found.topics.items(), MOST_ROWS)),
        before=tuple(
            Did(event=did.event, times=did.times, ago=did.ago, properties=dict(did.properties))
            for did in found.before[:MOST_ROWS]
        ),
    )


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
