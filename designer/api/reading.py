"""Reading requests: bodies within their limits, and documents without what cannot be kept."""

from typing import Any, Final, TypeVar

import orjson
from fastapi import Request
from pydantic import ValidationError

from designer.api.problems import Malformed, TooLarge
from engine.errors import InvalidDocument, InvalidInput, Problem
from engine.model.base import Frozen
from engine.model.storable import dump, find_nul

DOCUMENT_LIMIT: Final = 5_000_000
"""The largest document, in bytes: a template in several languages."""

M = TypeVar("M", bound=Frozen)


async def read_body(request: Request, limit: int) -> bytes:
    """Read the body, and no further than its limit."""
    sentence = f"The request is larger than {limit:,} bytes."
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(sentence)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(sentence)
        parts.append(part)
    return b"".join(parts)


async def document_body(request: Request) -> bytes:
    """Read a document's bytes: a dependency of the routes that take one."""
    return await read_body(request, DOCUMENT_LIMIT)


def parse_json(raw: bytes) -> Any:
    """Read JSON that can be stored, or say where it is wrong."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from None
    check_storable(value)
    return value


def parse_object(raw: bytes) -> dict[str, Any]:
    """Read one JSON object that can be stored."""
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.")
    return value


def check_storable(value: Any) -> None:
    """Refuse what the database cannot hold: NUL characters, bottomless nesting, huge numbers."""
    try:
        written = dump(value)
    except TypeError as error:
        raise Malformed(f"The document cannot be stored: {str(error).lower()}.") from None
    if b"\\u0000" in written and (place := find_nul(value)) is not None:
        raise Malformed(f"{place}: a text holds a NUL character, which cannot be stored.")


def validated(model: type[M], document: dict[str, Any], what: str) -> M:
    """Read a document into its model; raise `InvalidDocument` with every mistake."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False)
        problems = [_problem(document, mistake) for mistake in mistakes]
        raise InvalidDocument(f"The {what} has mistakes", list(dict.fromkeys(problems))) from None


def named(document: dict[str, Any], document_id: str, what: str) -> dict[str, Any]:
    """Return the document with the id of its address; refuse one that says another."""
    if document.get("id", document_id) != document_id:
        raise InvalidInput(
            f"The address names the {what} {document_id!r}, the document says "
            f"{str(document['id'])!r}: they must agree."
        )
    return {**document, "id": document_id}


def _problem(document: Any, mistake: Any) -> Problem:
    path, node = [], document
    for part in mistake["loc"]:
        if (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        ):
            node = node[part]
        elif part != mistake["loc"][-1] or mistake["type"] != "missing":
            continue  # a tag that tells a union's branch is no part of the document
        path.append(part)
    words = {"missing": "this is needed", "extra_forbidden": "this key is not known here"}
    message = words.get(mistake["type"]) or mistake["msg"][:1].lower() + mistake["msg"][1:]
    where = ".".join(str(part) for part in path)
    return Problem(message=f"{where}: {message}" if where else message, path=tuple(path))
