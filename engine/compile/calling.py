"""Checks of what a journey calls: a `webhook` with its texts, an `activity` with its parameters."""

from collections.abc import Iterator
from typing import Any, Final

from engine.compile.content import unfilled
from engine.compile.known import Before, Known, error, warning
from engine.compile.language import Mistake, uses
from engine.errors import Problem
from engine.model.journey import ActivityStep, WebhookStep
from engine.model.schema import conform

SECRET: Final = "secret"  # noqa: S105 - the name of a variable
"""The variable that holds the operator's secrets, in the address and the headers alone."""

TAKEN: Final = frozenset({
    "connection", "content-length", "host", "idempotency-key", "transfer-encoding",
})  # fmt: skip
"""Headers that every call sets by itself."""


def check_webhook(step: WebhookStep, before: Before) -> Iterator[Problem]:
    """Check one calling step."""
    if not step.url.lower().startswith(("https://", "http://", "{{")):
        yield error("the web address has to begin with https:// or http://", step.id)
    for name in step.headers:
        if name.lower() in TAKEN:
            yield error(f"the header {name} is set by the call itself; leave it out", step.id)
    texts = [("its address", step.url, True)]
    texts += [(f"the header {name}", value, True) for name, value in step.headers.items()]
    texts += [("its body", text, False) for text in strings(step.body)]
    for where, text, secret in texts:
        yield from _text(step, where, text, before, secret=secret)


def check_activity(step: ActivityStep, known: Known, before: Before) -> Iterator[Problem]:
    """Check one step that has a developer's activity done."""
    found = known.activities.get(step.activity)
    if found is None:
        yield error(
            f"there is no activity {step.activity}: start a worker that has it, or choose another",
            step.id,
        )
        return
    if step.activity in known.silent:
        yield warning(
            f"no worker has told of the activity {step.activity} for a while: "
            "until one is started, who comes here waits",
            step.id,
        )
    _, mistakes = conform(step.parameters, found.parameters, later=is_template)
    for mistake in mistakes:
        yield error(f"its parameters: {mistake}", step.id)
    for text in strings(step.parameters):
        yield from _text(step, "a parameter", text, before, secret=False)


def is_template(text: str) -> bool:
    """Whether what a text says comes about when it is rendered."""
    return "{{" in text or "{%" in text


def _text(
    step: WebhookStep | ActivityStep, where: str, text: str, before: Before, *, secret: bool
) -> Iterator[Problem]:
    try:
        used = uses(text, {})
    except Mistake as mistake:
        yield error(f"{where} cannot be read: {mistake}", step.id)
        return
    if used.snippets or used.pools:
        yield error(f"{where} uses a snippet or a coupon: only messages may", step.id)
    for name in sorted(unfilled(used, text, {SECRET}, before)):
        yield warning(f"{where} uses {name}, which nothing fills", step.id)
    if not secret and any(variable[:1] == (SECRET,) for variable in used.variables):
        may = "they may stand in the address and headers"
        if isinstance(step, ActivityStep):
            may = "activities have their own"
        yield error(f"{where} uses a secret: {may}", step.id)


def strings(body: Any) -> Iterator[str]:
    """Yield every text in a body, the keys left out."""
    match body:
        case str():
            yield body
        case dict():
            for value in body.values():
                yield from strings(value)
        case list():
            for value in body:
                yield from strings(value)
        case _:
            pass
