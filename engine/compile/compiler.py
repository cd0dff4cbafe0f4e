"""`compile(journey) -> Plan`."""

import hashlib
import json
from typing import assert_never

from engine.compile.plan import (
    Await,
    CallOut,
    Change,
    Choose,
    Draw,
    End,
    Instruction,
    Jump,
    Plan,
    Repeat,
    SendTo,
    Start,
    WaitHere,
)
from engine.model.journey import (
    ActivityStep,
    AnyStep,
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
    walk,
)

COMPLETED = "completed"
"""The reason with which a run ends that came to the end of its journey."""


def content_hash(journey: Journey) -> str:
    """Return the SHA-256, in hex, of what the journey says.

    A default left out changes nothing, so that the hash stays the same when a later release
    knows more keys.
    """
    document = journey.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def compile(journey: Journey) -> Plan:  # noqa: A001 - the product's word for it
    """Flatten the journey; expects one that `check` found free of errors."""
    code = _Code()
    code.steps(journey.steps, topic=journey.topic)
    code.add(End(None, COMPLETED))
    always = {rule.on.event for rule in journey.exits}
    if journey.goal is not None:
        always.add(journey.goal.event)
    places = {
        instruction.step.id: index
        for index, instruction in enumerate(code.instructions)
        if not isinstance(instruction, Jump) and instruction.step is not None
    }
    assert len(places) == len({step.id for step in walk(journey.steps)})  # noqa: S101
    return Plan(
        journey=journey,
        hash=content_hash(journey),
        instructions=tuple(code.instructions),
        always=frozenset(always),
        places=places,
    )


class _Code:
    """Instructions in the making: a branching step is placed first and filled in at its end."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []

    def add(self, instruction: Instruction) -> int:
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def steps(self, steps: tuple[AnyStep, ...], *, topic: str | None) -> None:
        for step in steps:
            self.step(step, topic)

    def step(self, step: AnyStep, topic: str | None) -> None:
        match step:
            case SendStep():
                self.add(SendTo(step, step.topic or topic))
            case WaitStep():
                self.add(WaitHere(step))
            case ExitStep():
                self.add(End(step, step.reason))
            case WaitForStep():
                here = self.add(Jump(0))
                targets = self.arms([*(event.then for event in step.events), step.else_], topic)
                matches = tuple(event.on for event in step.events)
                self.instructions[here] = Await(
                    step, tuple(zip(matches, targets, strict=False)), step.timeout, targets[-1]
                )
            case BranchStep():
                here = self.add(Jump(0))
                targets = self.arms([*(arm.then for arm in step.arms), step.else_], topic)
                self.instructions[here] = Choose(
                    step,
                    tuple((arm.id, arm.if_, target)
                          for arm, target in zip(step.arms, targets, strict=False)),
                    targets[-1],
                )  # fmt: skip
            case SplitStep():
                here = self.add(Jump(0))
                targets = self.arms([arm.then for arm in step.arms], topic)
                self.instructions[here] = Draw(
                    step,
                    tuple((arm.id, arm.weight, target)
                          for arm, target in zip(step.arms, targets, strict=True)),
                )  # fmt: skip
            case RepeatStep():
                here = self.add(Jump(0))
                self.steps(step.steps, topic=topic)
                self.add(Jump(here))
                self.instructions[here] = Repeat(step, len(self.instructions))
            case UpdateStep():
                self.add(Change(step))
            case EnterStep():
                self.add(Start(step))
            case WebhookStep() | ActivityStep():
                here = self.add(Jump(0))
                then, otherwise = self.arms([(), step.on_error], topic)
                self.instructions[here] = CallOut(step, then, otherwise)
            case _:
                assert_never(step)

    def arms(self, arms: list[tuple[AnyStep, ...]], topic: str | None) -> list[int]:
        """Place each arm, each but the last followed by a jump to where they re-join."""
        targets, jumps = [], []
        for index, steps in enumerate(arms):
            targets.append(len(self.instructions))
            self.steps(steps, topic=topic)
            if index < len(arms) - 1:
                jumps.append(self.add(Jump(0)))
        join = Jump(len(self.instructions))
        for jump in jumps:
            self.instructions[jump] = join
        return targets
