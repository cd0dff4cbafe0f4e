"""A call by its name, and the terms on which a developer's activity carries it out."""

import re
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from engine.model.activity import RETRY_FOR, TIMEOUT, ActivityType
from engine.model.duration import Duration
from engine.model.journey import ActivityStep
from engine.names import CUSTOM_QUEUE

_WRITTEN: Final = re.compile(
    r"([0-9a-f-]{36})\.([1-9][0-9]{0,8})\.([A-Za-z0-9][A-Za-z0-9_.-]{0,62})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallId:
    """The call that one visit of a step makes; as a text, `RUN.VISIT.STEP`, nothing personal."""

    run: UUID
    visit: int
    step: str

    def __str__(self) -> str:
        return f"{self.run}.{self.visit}.{self.step}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the call that a text names, or None."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            return None
        try:
            return cls(run=UUID(found[1]), visit=int(found[2]), step=found[3])
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where an activity is done, how long one attempt may take, how long it is tried again."""

    queue: str
    timeout: Duration
    retry_for: Duration


def terms(step: ActivityStep, known: ActivityType | None) -> Terms:
    """Return what the step says, else what its activity says, else what holds for all."""
    return Terms(
        queue=step.queue or (known.queue if known else CUSTOM_QUEUE),
        timeout=step.timeout or (known.timeout if known else TIMEOUT),
        retry_for=step.retry_for or (known.retry_for if known else RETRY_FOR),
    )
