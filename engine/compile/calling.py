"""Checks of what a journey calls: a `webhook` with its texts, an `activity` with its parameters."""

from collections.abc import Iterator
from typing import Any, Final

from engine.compile.content import unfilled
from engine.compile.known import Before, Known, unwise, wrong
from engine.compile.language import Mistake, uses
from engine.errors import Problem, Said, said
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
        yield wrong("the web address has to begin with https:// or http://", step.id)
    for name in step.headers:
        if name.lower() in TAKEN:
            yield wrong(
                "the header %(name)s is set by the call itself; leave it out", step.id, name=name
            )
    texts = [(said("its address"), step.url, True)]
    texts += [
        (said("the header %(name)s", name=name), value, True)
        for name, value in step.headers.items()
    ]
    texts += [(said("its body"), text, False) for text in strings(step.body)]
    for where, text, secret in texts:
        yield from _text(step, where, text, before, secret=secret)


def check_activity(step: ActivityStep, known: Known, before: Before) -> Iterator[Problem]:
    """Check one step that has a developer's activity done."""
    found = known.activities.get(step.activity)
    if found is None:
        yield wrong(
            "there is no activity %(activity)s: start a worker that has it, or choose another",
            step.id,
            activity=step.activity,
        )
        return
    if step.activity in known.silent:
        yield unwise(
            "no worker has told of the activity %(activity)s for a while: until one is started, who comes here waits",
            step.id,
            activity=step.activity,
        )
    _, mistakes = conform(step.parameters, found.parameters, later=is_template)
    for mistake in mistakes:
        yield wrong("its parameters: %(mistake)s", step.id, mistake=mistake)
    for text in strings(step.parameters):
        yield from _text(step, said("a parameter"), text, before, secret=False)


def is_template(text: str) -> bool:
    """Whether what a text says comes about when it is rendered."""
    return "{{" in text or "{%" in text


def _text(
    step: WebhookStep | ActivityStep, where: Said, text: str, before: Before, *, secret: bool
) -> Iterator[Problem]:
    try:
        used = uses(text, {})
    except Mistake as mistake:
        yield wrong(
            "%(where)s cannot be read: %(mistake)s", step.id, where=where, mistake=str(mistake)
        )
        return
    if used.snippets or used.pools:
        yield wrong("%(where)s uses a snippet or a coupon: only messages may", step.id, where=where)
    for name in sorted(unfilled(used, text, {SECRET}, before)):
        yield unwise(
            "%(where)s uses %(name)s, which nothing fills", step.id, where=where, name=name
        )
    if not secret and any(variable[:1] == (SECRET,) for variable in used.variables):
        if isinstance(step, ActivityStep):
            yield wrong("%(where)s uses a secret: activities have their own", step.id, where=where)
        else:
            yield wrong(
                "%(where)s uses a secret: they may stand in the address and headers",
                step.id,
                where=where,
            )


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
