"""Checks of what a journey calls: the address, the headers and the body of a `webhook`."""

from collections.abc import Iterator
from typing import Any, Final

from engine.compile.content import unfilled
from engine.compile.known import Before, error, warning
from engine.compile.language import Mistake, uses
from engine.errors import Problem
from engine.model.journey import WebhookStep

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


def _text(
    step: WebhookStep, where: str, text: str, before: Before, *, secret: bool
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
        yield error(f"{where} uses a secret: they may stand in the address and headers", step.id)


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
