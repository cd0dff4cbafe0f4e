"""A call's address, headers and body, from the step's texts."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from activities.filling import filled, filled_text
from engine.compile.calling import SECRET
from engine.flow.call import Outgoing

_FIRST: Final = re.compile(r"\s*({{.*?}})(.*)", re.DOTALL)
_SECRET: Final = re.compile(rf"\b{SECRET}\s*\.\s*([A-Za-z_]\w*)")


class SecretMissingError(Exception):
    """A text uses a secret that this worker was not given; its name is in the text."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request:
    """What goes out. It may hold secrets, so it is never shown."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def request_of(outgoing: Outgoing, secrets: Mapping[str, str]) -> Request:
    """Render a call.

    Raises:
        TemplateError: a text cannot be rendered.
        SecretMissingError: a secret is not set.
    """
    step = outgoing.step
    for text in (step.url, *step.headers.values()):
        for name in _SECRET.findall(text):
            if name not in secrets:
                raise SecretMissingError(f"PARCOURS_SECRET_{name} is not set for this worker")
    variables = {**outgoing.variables, SECRET: dict(secrets)}
    body, kind = _body(step.body, outgoing.variables)
    headers = {"User-Agent": "Parcours", "Idempotency-Key": str(outgoing.key)}
    if kind is not None:
        headers["Content-Type"] = kind
    own = {
        name: " ".join(filled_text(text, variables).split()) for name, text in step.headers.items()
    }
    replaced = {name.lower() for name in own}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    return Request(url=_address(step.url, variables), headers={**kept, **own}, body=body)


def _address(text: str, variables: Mapping[str, Any]) -> str:
    """Render an address; a value fills its place and cannot lead elsewhere.

    Only one with which the address begins may bring scheme, host and path along.
    """
    found = _FIRST.fullmatch(text)
    first, rest = (found[1], found[2]) if found else ("", text)
    return (filled_text(first, variables) + filled_text(rest, _escaped(variables))).strip()


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return quote(value, safe="")
        case Mapping():
            return {key: _escaped(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_escaped(inner) for inner in value]
        case _:
            return value


def _body(body: Any, variables: Mapping[str, Any]) -> tuple[bytes, str | None]:
    """Return the body, and what kind it is."""
    match body:
        case None:
            return b"", None
        case str():
            return filled_text(body, variables).encode(), "text/plain; charset=utf-8"
        case _:
            return json.dumps(
                filled(body, variables), ensure_ascii=False
            ).encode(), "application/json"
