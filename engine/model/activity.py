"""A developer's activity, as workers tell of it: what a journey's step may have done."""

from datetime import timedelta
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from engine.model.base import Frozen, Name, Slug
from engine.model.duration import Duration
from engine.model.refusal import refusal
from engine.model.schema import unsound
from engine.names import CALL_QUEUE, CHANNEL_QUEUES, CUSTOM_QUEUE, RUNS_QUEUE

LONGEST_ATTEMPT: Final = timedelta(hours=1)
LONGEST_PATIENCE: Final = timedelta(days=7)

TIMEOUT: Final = Duration("10s")
RETRY_FOR: Final = Duration("1d")
"""What holds for an activity of which nothing else is said."""

OUTCOME: Final = "outcome"
"""What templates and conditions know of every step; no result may have another by its name."""

_OURS: Final = frozenset({RUNS_QUEUE, CALL_QUEUE, *CHANNEL_QUEUES.values()})


def _free(queue: str) -> str:
    if queue in _OURS:
        raise refusal("queue", "the queue %(queue)s is taken: choose another name", queue=queue)
    return queue


QueueName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}$"),
    AfterValidator(_free),
]
"""A Temporal task queue of developers' activities."""


def check_patience(timeout: Duration | None, retry_for: Duration | None) -> None:
    """Refuse an attempt, or a time of trying again, that is too short or too long."""
    if timeout is not None and not timedelta(seconds=1) <= timeout.at_most <= LONGEST_ATTEMPT:
        raise refusal("activity", "the `timeout` of an activity is from 1s to 1h")
    if retry_for is not None and retry_for.at_most > LONGEST_PATIENCE:
        raise refusal("activity", "the `retry_for` of an activity is 7d at most")


class ActivityType(Frozen):
    """An activity that journeys may use; `parameters` and `result` are JSON schemas of objects."""

    name: Slug
    title: Name = Field(description="what marketers read")
    icon: Slug = "puzzle"
    help: str | None = Field(default=None, max_length=2000)
    parameters: dict[str, Any] = Field(default_factory=dict, description="a JSON schema")
    result: dict[str, Any] = Field(default_factory=dict, description="a JSON schema")
    queue: QueueName = CUSTOM_QUEUE
    timeout: Duration = TIMEOUT
    retry_for: Duration = RETRY_FOR

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_patience(self.timeout, self.retry_for)
        for schema in (self.parameters, self.result):
            if schema.get("type", "object") != "object":
                raise refusal("schema", "the schemas are of JSON objects")
            if (said := unsound(schema)) is not None:
                raise refusal("schema", "in a schema, %(said)s", said=said)
        if OUTCOME in self.result.get("properties", {}):
            raise refusal(
                "schema", "`outcome` is every step's own: give that part of the result another name"
            )
        return self

    @property
    def results(self) -> tuple[str, ...] | None:
        """The names of what the result may hold; None when that is not said."""
        said = self.result.get("properties")
        return tuple(said) if isinstance(said, dict) else None
