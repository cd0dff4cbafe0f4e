"""A journey: one document, the same for the canvas, the files and the database.

Steps are a list; a branching step holds lists and the flow re-joins at the next step.
Adding a step type is one class here and in `Step`, one case in `engine/compile/compiler.py`,
one in `engine/run/machine.py`, and its test.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time, timedelta
from typing import Annotated, Any, Literal, Self, assert_never

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from engine.model.activity import QueueName, check_patience
from engine.model.base import (
    CHANNELS,
    WHOLE,
    Channel,
    Channels,
    ClockTime,
    Frozen,
    Name,
    Percent,
    Share,
    Slug,
    Weekday,
    one_of,
    tag,
    told_by_key,
)
from engine.model.cap import OnFull
from engine.model.condition import Condition, EventMatch
from engine.model.duration import Duration, Offset
from engine.model.opening import Opening, Pace
from engine.model.refusal import refusal


class StepBase(Frozen):
    """What every step has. The id is stable for ever: statistics and A/B arms hang on it."""

    id: Slug
    name: Name | None = Field(default=None, description="shown instead of a sentence")
    note: str | None = Field(default=None, max_length=2000)


class Variant(Frozen):
    """One version of a message in a step's A/B test."""

    id: Slug
    weight: Share = Field(description="percent of customers")
    set: dict[str, Any] = Field(
        default_factory=dict,
        description="replaces subject, preheader, template, channel, at or from; "
        "any other key is a variable of the template",
    )


class Window(Frozen):
    """The hours, where the customer is, in which a message may be sent."""

    window: Annotated[
        str,
        StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"),
    ] = Field(examples=["09:00-20:00"])

    @property
    def times(self) -> tuple[time, time]:
        """When it opens and closes; it may span midnight."""
        opens, closes = self.window.split("-")
        return time.fromisoformat(opens), time.fromisoformat(closes)


Moment = Literal["now", "best_hour"] | Window


def _moment(value: Any) -> str:
    return tag("hours") if isinstance(value, dict | Window) else tag("name")


SendAt = Annotated[
    Annotated[Literal["now", "best_hour"], Tag(tag("name"))] | Annotated[Window, Tag(tag("hours"))],
    Discriminator(_moment),
]
"""When a message goes out once its step is reached."""

_SEND_AT: TypeAdapter[Moment] = TypeAdapter(SendAt)


class SendStep(StepBase):
    """Sends one message, on the first channel of the list on which the customer has an address."""

    type: Literal["send"]
    channel: Channels
    template: Slug | None = Field(
        default=None, description="what it sends, unless each of its variants names its own"
    )
    class_: Literal["marketing", "transactional"] = Field(default="marketing", alias="class")
    topic: Slug | None = Field(default=None, description="else the journey's")
    subject: str | None = None
    preheader: str | None = None
    from_: str | None = Field(default=None, alias="from")
    variants: tuple[Variant, ...] = ()
    offer: Slug | None = Field(
        default=None, description="what it offers, so that caps know it on every channel"
    )
    at: SendAt = Field(default="now", description="now, in a window of hours, or at her best hour")
    on_full: OnFull | None = Field(
        default=None, description="when a cap is full, instead of the cap's own choice"
    )

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels in order of preference."""
        return self.channel if isinstance(self.channel, tuple) else (self.channel,)

    def moment(self, variant: Variant | None) -> Moment | None:
        """Return when the message goes out: as the variant says, else the step.

        None when the variant says what is no such moment.
        """
        if variant is None or "at" not in variant.set:
            return self.at
        try:
            return _SEND_AT.validate_python(variant.set["at"])
        except ValidationError:
            return None


class UntilTime(Frozen):
    """The next time the customer's clock shows this, on one of these days."""

    time: ClockTime
    days: tuple[Weekday, ...] = ()


class UntilTrait(Frozen):
    """A date that is known of the customer, plus an offset."""

    trait: Name
    offset: Offset | None = None
    time: ClockTime | None = Field(default=None, description="the local time on that day")
    yearly: bool = False


class UntilProperty(Frozen):
    """A date in the event that opened the journey, plus an offset."""

    property: Name
    offset: Offset | None = None
    time: ClockTime | None = None


Until = Annotated[
    Annotated[UntilTime, Tag(tag("time"))]
    | Annotated[UntilTrait, Tag(tag("trait"))]
    | Annotated[UntilProperty, Tag(tag("property"))],
    Discriminator(
        told_by_key({"trait": UntilTrait, "property": UntilProperty, "time": UntilTime}),
        custom_error_type="until",
        custom_error_message="a wait is until a `time`, or the date in a `trait` or `property`",
    ),
]


class WaitStep(StepBase):
    """Waits for a length of time, or until a moment."""

    model_config = one_of("for", "until")

    type: Literal["wait"]
    for_: Duration | None = Field(default=None, alias="for")
    until: Until | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.for_ is None) == (self.until is None):
            raise refusal("wait", "a wait has either `for` or `until`")
        return self


class AwaitedEvent(Frozen):
    """An event that a step waits for, and what then follows."""

    on: EventMatch
    then: tuple["Step", ...] = ()


class WaitForStep(StepBase):
    """Waits for the first of several events, at most for `timeout`."""

    type: Literal["wait_for"]
    since: Slug | None = Field(default=None, description="what came after this step counts too")
    timeout: Duration
    events: tuple[AwaitedEvent, ...] = Field(min_length=1)
    else_: tuple["Step", ...] = Field(default=(), alias="else")


class BranchArm(Frozen):
    """One way of a branch, taken when its condition is the first to hold."""

    id: Slug
    label: Name | None = None
    if_: Condition = Field(alias="if")
    then: tuple["Step", ...] = ()


class BranchStep(StepBase):
    """Goes the first way whose condition holds, or `else`."""

    type: Literal["branch"]
    arms: tuple[BranchArm, ...] = Field(min_length=1)
    else_: tuple["Step", ...] = Field(default=(), alias="else")


class SplitArm(Frozen):
    """One way of a random split, with its share of the customers."""

    id: Slug
    label: Name | None = None
    weight: Share = Field(description="percent of customers")
    then: tuple["Step", ...] = ()


class SplitStep(StepBase):
    """Sends each customer down one way by chance, for good."""

    type: Literal["split"]
    arms: tuple[SplitArm, ...] = Field(min_length=2)


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]

KeptName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
"""The name of a part of an answer: letters, digits and `_`; `outcome` is every step's own."""

KeptPath = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]
"""Where a part lies in a JSON answer: keys, and places in lists from 0, with dots between."""


class WebhookStep(StepBase):
    """Calls a web address; goes on when it answers with 2xx, else with the steps in `on_error`.

    The texts of the address, the headers and the body are Liquid. The same call may arrive more
    than once, always with the same `Idempotency-Key`.
    """

    type: Literal["webhook"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(
        examples=["https://crm.example.com/customers/{{ customer.id }}"]
    )
    headers: dict[HeaderName, Annotated[str, StringConstraints(max_length=4000)]] = Field(
        default_factory=dict, description="`{{ secret.NAME }}` is a secret that the operator set"
    )
    body: str | dict[str, Any] | list[Any] | None = Field(
        default=None, description="a text, or JSON whose texts are templates"
    )
    keep: dict[KeptName, KeptPath] = Field(
        default_factory=dict,
        description="parts of the JSON answer, for templates as steps.<id>.<name>",
        examples=[{"points": "data.points"}],
    )
    timeout: Duration = Field(default=Duration("10s"), description="of one attempt, to 60s")
    retry_for: Duration = Field(
        default=Duration("1d"), description="how long it is tried again before `on_error`"
    )
    on_error: tuple["Step", ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if "outcome" in self.keep:
            raise refusal("webhook", "`outcome` is every step's own: keep another name")
        if not timedelta(seconds=1) <= self.timeout.at_most <= timedelta(seconds=60):
            raise refusal("webhook", "the `timeout` of a call is from 1s to 60s")
        return self


class RepeatStep(StepBase):
    """Goes through its steps again and again, at most `times` times.

    Before each round, the first included, `until` is asked: when it holds, the rounds are over.
    """

    type: Literal["repeat"]
    times: Annotated[int, Field(ge=1, le=100), WHOLE]
    until: Condition | None = Field(default=None, description="asked before each round")
    steps: tuple["Step", ...] = ()


class FromProperty(Frozen):
    """A value taken from the event that opened the journey."""

    property: Name


def _plain(value: object) -> object:
    if value is not None and not isinstance(value, str | int | float):
        raise refusal(
            "plain",
            "write a text, a number, true, false or null, or take one from the event: %(example)s",
            example="{property: name}",
        )
    return value


def _given(value: Any) -> str:
    return tag("property") if isinstance(value, Mapping | FromProperty) else tag("value")


Given = Annotated[
    Annotated[str | int | float | bool | None, BeforeValidator(_plain), Tag(tag("value"))]
    | Annotated[FromProperty, Tag(tag("property"))],
    Discriminator(_given),
]
"""A text, a number, true, false or null; or a property of the event that opened the journey."""


class UpdateStep(StepBase):
    """Changes what is known of the customer: her traits, and the topics that she wants.

    `null` forgets a trait; a property that the event lacks leaves it as it is. `channel` says on
    which channels topics are meant, every one when left out.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [key]} for key in ("set", "subscribe", "unsubscribe")]
        }
    )

    type: Literal["update"]
    set: dict[Name, Given] = Field(default_factory=dict, description="traits by name")
    subscribe: tuple[Slug, ...] = ()
    unsubscribe: tuple[Slug, ...] = ()
    channel: Channels | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels on which topics are meant."""
        if self.channel is None:
            return CHANNELS
        return self.channel if isinstance(self.channel, tuple) else (self.channel,)

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if not (self.set or self.subscribe or self.unsubscribe):
            raise refusal("update", "say what to `set`, `subscribe` or `unsubscribe`")
        both = sorted({*self.subscribe} & {*self.unsubscribe})
        if both:
            raise refusal(
                "update", "%(topics)s cannot be both begun and ended", topics=", ".join(both)
            )
        return self


class EnterStep(StepBase):
    """Starts another journey for this customer, if its rules let her in."""

    type: Literal["enter"]
    journey: Slug
    properties: dict[Name, Given] = Field(
        default_factory=dict, description="what the other journey knows as those of its event"
    )


class ActivityStep(StepBase):
    """Has a developer's activity done; goes on with its result, else with the steps in `on_error`.

    The texts in `parameters` are Liquid. The same call may come to the activity more than once,
    always with the same key. What is not said here is as the activity says.
    """

    type: Literal["activity"]
    activity: Slug = Field(examples=["add_points"])
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="texts are templates", examples=[{"points": 10}]
    )
    queue: QueueName | None = Field(default=None, description="another task queue than its own")
    timeout: Duration | None = Field(default=None, description="of one attempt, 1s to 1h")
    retry_for: Duration | None = Field(
        default=None, description="how long it is tried again before `on_error`, 7d at most"
    )
    on_error: tuple["Step", ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_patience(self.timeout, self.retry_for)
        return self


class ExitStep(StepBase):
    """Ends the journey for this customer."""

    type: Literal["exit"]
    reason: Name = "exit"


AnyStep = (
    SendStep
    | WaitStep
    | WaitForStep
    | BranchStep
    | SplitStep
    | RepeatStep
    | UpdateStep
    | WebhookStep
    | ActivityStep
    | EnterStep
    | ExitStep
)

Step = Annotated[AnyStep, Field(discriminator="type")]


class Reentry(Frozen):
    """When a customer may enter again.

    `once`: never. `after_exit`: when her last run has ended, `cooldown` ago. `per_key`: once for
    each value of the event's property `key`, again after `cooldown` when that is given.
    """

    mode: Literal["once", "after_exit", "per_key"] = "after_exit"
    cooldown: Duration | None = None
    key: Name | None = None

    @model_validator(mode="after")
    def _key(self) -> Self:
        if (self.mode == "per_key") != (self.key is not None):
            raise refusal("reentry", "`key` goes with mode `per_key`, and only with it")
        return self


class Entry(Frozen):
    """Who enters the journey, and when."""

    on: Opening
    if_: Condition | None = Field(default=None, alias="if")
    reentry: Reentry = Reentry()
    max_age: Duration = Field(
        default=Duration("1d"), description="how old an event may be to open the journey"
    )
    pace: Pace | None = Field(
        default=None,
        description="how many customers enter in how much time when many are due at once",
    )


class Goal(Frozen):
    """What the journey is for: an event within so long after entry. Reaching it ends nothing."""

    event: Name
    where: Condition | None = None
    within: Duration
    revenue: Name | None = Field(default=None, description="the property that holds the amount")


class ExitRule(Frozen):
    """An event that ends the journey wherever the customer stands in it."""

    on: EventMatch
    reason: Name = "exit"


class Journey(Frozen):
    """One journey document."""

    format: Literal[1] = 1
    id: Slug
    name: Name
    note: str | None = Field(default=None, max_length=5000)
    priority: Share = 50
    entry: Entry
    holdout: Percent = Field(default=0, validate_default=False, json_schema_extra={"default": "0%"})
    topic: Slug | None = None
    goal: Goal | None = None
    exits: tuple[ExitRule, ...] = ()
    steps: tuple[Step, ...] = ()


for _model in (
    AwaitedEvent, WaitForStep, BranchArm, BranchStep, SplitArm, SplitStep, RepeatStep, WebhookStep,
    ActivityStep, Journey,
):  # fmt: skip
    _model.model_rebuild()


def arms(step: AnyStep) -> tuple[tuple[str, tuple[AnyStep, ...]], ...]:
    """Return the named lists of steps that a branching step holds, in order; else nothing.

    The name of a branch's or split's arm is its id; `else`, `event-N` (from 0), `again`, `done`
    and `on_error` are the others.
    """
    match step:
        case SendStep() | WaitStep() | UpdateStep() | EnterStep() | ExitStep():  # most steps
            return ()
        case WaitForStep():
            awaited = tuple((f"event-{n}", event.then) for n, event in enumerate(step.events))
            return (*awaited, ("else", step.else_))
        case BranchStep():
            return (*((arm.id, arm.then) for arm in step.arms), ("else", step.else_))
        case SplitStep():
            return tuple((arm.id, arm.then) for arm in step.arms)
        case RepeatStep():
            return (("again", step.steps),)
        case WebhookStep() | ActivityStep():
            return (("done", ()), ("on_error", step.on_error)) if step.on_error else ()
        case _:
            assert_never(step)


def walk(steps: tuple[AnyStep, ...]) -> Iterator[AnyStep]:
    """Yield every step, in the order of the document."""
    for step in steps:
        yield step
        for _, inner in arms(step):
            yield from walk(inner)


def ends(steps: Sequence[AnyStep]) -> bool:
    """Whether nobody gets past the end of the list."""
    if not steps:
        return False
    last = steps[-1]
    if isinstance(last, RepeatStep) and last.until is not None:
        return False  # it may be over before its first round
    inner = arms(last)
    return isinstance(last, ExitStep) or (bool(inner) and all(ends(list_) for _, list_ in inner))
