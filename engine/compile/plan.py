"""What a compiled journey is: flat, immutable instructions with integer targets."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.model.condition import AnyCondition, EventMatch
from engine.model.duration import Duration
from engine.model.journey import (
    ActivityStep,
    BranchStep,
    EnterStep,
    ExitStep,
    Journey,
    RepeatStep,
    SendStep,
    SplitStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
)


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send the step's message, then go on at the next instruction."""

    step: SendStep
    topic: str | None


@dataclass(frozen=True, slots=True)
class WaitHere:
    """Wait, then go on at the next instruction."""

    step: WaitStep


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for the first of several events: each with its target, `otherwise` on time-out."""

    step: WaitForStep
    events: tuple[tuple[EventMatch, int], ...]
    timeout: Duration
    otherwise: int


@dataclass(frozen=True, slots=True)
class CallOut:
    """Call the step's web address, or have its activity done.

    Go to `then` when it is done, to `otherwise` when it fails.
    """

    step: WebhookStep | ActivityStep
    then: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class Choose:
    """Go to the target of the first arm whose condition holds."""

    step: BranchStep
    arms: tuple[tuple[str, AnyCondition, int], ...]
    otherwise: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Go to the target of the arm that chance gave this customer."""

    step: SplitStep
    arms: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Begin another round at the next instruction, or go to `after` when the rounds are over."""

    step: RepeatStep
    after: int


@dataclass(frozen=True, slots=True)
class Change:
    """Change what is known of the customer, then go on at the next instruction."""

    step: UpdateStep


@dataclass(frozen=True, slots=True)
class Start:
    """Start another journey for the customer, then go on at the next instruction."""

    step: EnterStep


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on elsewhere: the end of an arm re-joins, the end of a round begins another."""

    target: int


@dataclass(frozen=True, slots=True)
class End:
    """The run ends; `step` is None at the end of the journey."""

    step: ExitStep | None
    reason: str


Instruction = (
    SendTo | WaitHere | Await | CallOut | Choose | Draw | Repeat | Change | Start | Jump | End
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A journey ready to be carried out. `hash` names its content."""

    journey: Journey
    hash: str
    instructions: tuple[Instruction, ...]
    always: frozenset[str]
    """Events that every run is interested in: those of the exits and the goal."""
    places: Mapping[str, int]
    """Where each step begins."""
