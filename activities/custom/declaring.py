"""The decorator that makes a function a journey's step, and what such a function is given.

class AddPoints(BaseModel):
    points: int = Field(title="Points", ge=1)

class Balance(BaseModel):
    balance: int

@activity(title="Add points", icon="gift")
def add_points(parameters: AddPoints, customer: Customer) -> Balance:
    return Balance(balance=till.add(customer.external_id, parameters.points))
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, Final, Generic, ParamSpec, TypeVar, get_type_hints, overload
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from engine.model.activity import ActivityType
from engine.names import CUSTOM_QUEUE

P = ParamSpec("P")
R = TypeVar("R")

LARGEST: Final = 32 * 1024
"""Bytes that a result may take as JSON: it is carried along by the run."""


class GiveUp(Exception):
    """Raised by an activity that can never succeed: it is not tried again.

    The text says why, to people in the shop; the journey goes on with the step's `on_error`.
    Whatever else an activity raises is tried again, for as long as the step allows.
    """


class DeclarationError(Exception):
    """A function cannot be made an activity; the text says what mends it."""


class RefusedError(Exception):
    """Parameters or a result are not what their model says; the text names each mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The customer for whom an activity is done. `addresses` holds `email`, `phone` and `push`.

    `external_id` is the id by which the shop's own systems know her, if they do.
    """

    id: UUID = field(default_factory=lambda: UUID(int=0))
    external_id: str | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)
    addresses: Mapping[str, Any] = field(default_factory=dict)
    locale: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The call that an activity carries out. It may come more than once, with the same `key`."""

    key: UUID = field(default_factory=lambda: UUID(int=0))
    journey: str = ""
    step: str = ""


_GIVEN: Final = {Customer: "customer", Call: "call"}


class Activity(Generic[P, R]):
    """A developer's activity; called, it is the function that it was made from."""

    def __init__(self, function: Callable[P, R], declared: ActivityType) -> None:
        self._function = function
        self.declared = declared
        self._parameters, self._result, self._asks = _signature(function)
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself: nothing is checked."""
        return self._function(*args, **kwargs)

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self._function)

    def parameters(self, given: Mapping[str, Any]) -> BaseModel | None:
        """Read the parameters as the function wants them.

        Raises:
            RefusedError: they are not what its model says.
        """
        if self._parameters is None:
            if given:
                raise RefusedError(f"{', '.join(sorted(given))}: is not known here")
            return None
        try:
            return self._parameters.model_validate(dict(given))
        except ValidationError as error:
            raise RefusedError(_sentences(error)) from None

    def ask(self, parameters: BaseModel | None, customer: Customer, call: Call) -> Any:
        """Call the function with what it asks for; a coroutine when it is one."""
        given = {"parameters": parameters, "customer": customer, "call": call}
        function: Callable[..., Any] = self._function
        return function(**{name: given[kind] for name, kind in self._asks.items()})

    def result(self, returned: Any) -> dict[str, Any]:
        """Return what the function returned as JSON.

        Raises:
            RefusedError: it is not what its model says, too large, or cannot be stored.
        """
        if self._result is None:
            if returned is not None:
                raise RefusedError("it returned something, and its type hint says nothing")
            return {}
        if not isinstance(returned, self._result):
            raise RefusedError(
                f"it returned {type(returned).__name__}, and its type hint says "
                f"{self._result.__name__}"
            )
        try:
            return kept(returned.model_dump(mode="json"))
        except PydanticSerializationError:
            raise RefusedError("the result holds something that is not JSON") from None


def kept(result: Any) -> dict[str, Any]:
    """Return a result that can be kept.

    Raises:
        RefusedError: it cannot.
    """
    if not isinstance(result, dict):
        raise RefusedError("the result is not a JSON object")
    try:
        text = json.dumps(result, allow_nan=False)
        json.dumps(result, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise RefusedError("the result holds something that is not JSON") from None
    if "\\u0000" in text:
        raise RefusedError("the result holds a NUL character, which cannot be stored")
    if len(text) > LARGEST:
        raise RefusedError(f"the result takes more than {LARGEST:,} bytes")
    return result


@overload
def activity(function: Callable[P, R], /) -> Activity[P, R]: ...


@overload
def activity(
    *,
    name: str | None = None,
    title: str | None = None,
    icon: str = "puzzle",
    help: str | None = None,
    queue: str = CUSTOM_QUEUE,
    timeout: str = "10s",
    retry_for: str = "1d",
) -> Callable[[Callable[P, R]], Activity[P, R]]: ...


def activity(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    title: str | None = None,
    icon: str = "puzzle",
    help: str | None = None,  # noqa: A002 - the word in the interface
    queue: str = CUSTOM_QUEUE,
    timeout: str = "10s",
    retry_for: str = "1d",
) -> Activity[P, R] | Callable[[Callable[P, R]], Activity[P, R]]:
    """Make a function, sync or async, something that marketers can use as a step.

    The function takes what it asks for by its type hints, in any order: a pydantic model with its
    parameters, a `Customer`, a `Call`. It returns a pydantic model, or None.

    Args:
        function: given when the decorator stands without brackets.
        name: how journeys name it; else the function's own name. It has to stay.
        title: what marketers read; else the name.
        icon: one of the interface's icons.
        help: a sentence or two for marketers; else the function's docstring.
        queue: the Temporal task queue on which it is done.
        timeout: how long one attempt may take, from 1s to 1h.
        retry_for: how long it is tried again, 7d at most.

    Raises:
        DeclarationError: the function, or one of these, is not as it has to be.
    """

    def declare(function: Callable[P, R]) -> Activity[P, R]:
        parameters, result, _ = _signature(function)
        called = name or str(getattr(function, "__name__", ""))
        try:
            declared = ActivityType.model_validate(
                {
                    "name": called,
                    "title": title or called.replace("_", " ").capitalize(),
                    "icon": icon,
                    "help": help or inspect.getdoc(function),
                    "parameters": _schema(parameters, "validation"),
                    "result": _schema(result, "serialization"),
                    "queue": queue,
                    "timeout": timeout,
                    "retry_for": retry_for,
                }
            )
        except ValidationError as error:
            raise DeclarationError(f"the activity {called}: {_sentences(error)}") from None
        return Activity(function, declared)

    return declare if function is None else declare(function)


def _schema(model: type[BaseModel] | None, mode: Any) -> dict[str, Any]:
    if model is None:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    return model.model_json_schema(mode=mode)


def _signature(
    function: Callable[..., Any],
) -> tuple[type[BaseModel] | None, type[BaseModel] | None, dict[str, str]]:
    """Return the models of parameters and result, and what each argument is."""
    named = getattr(function, "__name__", "the function")
    try:
        hints = get_type_hints(function)
    except Exception as error:  # noqa: BLE001 - whatever evaluating a hint brings about
        raise DeclarationError(f"{named}: a type hint cannot be read: {error}") from None
    parameters: type[BaseModel] | None = None
    asks: dict[str, str] = {}
    for argument in inspect.signature(function).parameters:
        hint = hints.get(argument)
        if hint in _GIVEN:
            asks[argument] = _GIVEN[hint]
        elif isinstance(hint, type) and issubclass(hint, BaseModel) and parameters is None:
            parameters = hint
            asks[argument] = "parameters"
        else:
            raise DeclarationError(
                f"{named}: give the argument {argument} one of these as its type hint: a pydantic "
                "model with the parameters (one of them), Customer or Call"
            )
    result = hints.get("return")
    if result in {None, type(None)} and "return" in hints:
        return parameters, None, asks
    if not (isinstance(result, type) and issubclass(result, BaseModel)):
        raise DeclarationError(
            f"{named}: say by a type hint what it returns: a pydantic model, or None"
        )
    return parameters, result, asks


def _sentences(error: ValidationError) -> str:
    said = []
    for mistake in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in mistake["loc"])
        message = mistake["msg"].removeprefix("Value error, ")
        sentence = message[:1].lower() + message[1:]
        said.append(f"{place}: {sentence}" if place else sentence)
    return "; ".join(said)
