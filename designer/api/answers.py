"""Answers: JSON with instants and ids as text, and pages of lists."""

from typing import Annotated, Any

import orjson
from fastapi import Query, Response

from engine.store.paging import MOST, Page

Limit = Annotated[int, Query(ge=1, le=MOST, description="how many items at most")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]


def json_response(content: Any, status: int = 200) -> Response:
    """Return an answer; instants are written in ISO 8601 with `Z`."""
    body = orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)
    return Response(body, status, media_type="application/json")


def page_response(page: Page) -> Response:
    """Return one page of a list."""
    return json_response({"items": page.items, "next": page.next})


def put_response(content: Any, *, created: bool) -> Response:
    """Return what was put: 201 when it is new."""
    return json_response(content, 201 if created else 200)


def emptied() -> Response:
    """Answer that something is gone."""
    return Response(status_code=204)
