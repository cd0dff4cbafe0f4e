"""Access keys: the list, a new one, shown once, and making one worthless."""

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.permits import ADMINISTER
from designer.pages import actor, database, pages
from designer.roles import role_name
from engine.flow import keys as flow
from engine.store import keys
from engine.store.keys import ROLES, NewKey

router = APIRouter(prefix="/settings/keys", dependencies=[ADMINISTER])

Text = Annotated[str, Form()]

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page says besides the list: a form's values and faults, and a key just made."""

    name: str = ""
    role: str = "source"
    wrong: dict[str, str] = field(default_factory=dict)
    made: NewKey | None = None
    saved: str = ""


@router.get("")
def listed(request: Request, saved: str = "") -> Response:
    """List the keys, without their secrets."""
    return _page(request, Shown(saved=saved))


@router.post("")
def create(request: Request, name: Text = "", role: Text = "") -> Response:
    """Make a key, and show it this once."""
    words, name = pages(request).words(request), name.strip()
    wrong = {}
    if role not in ROLES:
        wrong["role"] = words.gettext("Choose a role.")
    if not 0 < len(name) <= _LONGEST_NAME:
        wrong["name"] = words.gettext("Say what it is for, in at most 200 characters.")
    if wrong:
        return _page(request, Shown(name=name, role=role, wrong=wrong), 422)
    made = flow.create(database(request), role, name, actor=actor(request))
    response = _page(request, Shown(made=made))
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/{key}/revoke")
def revoke(request: Request, key: UUID) -> Response:
    """Make a key worthless, for good."""
    flow.revoke(database(request), key, actor=actor(request))
    return RedirectResponse("/settings/keys?saved=revoked", 303)


def _page(request: Request, shown: Shown, status: int = 200) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        every = keys.every(connection)
    return pages(request).render(
        request,
        "keys/keys.html",
        status=status,
        words=words,
        rows=[(key, role_name(key.role, words)) for key in every],
        roles=[role_name(role, words) for role in ROLES],
        shown=shown,
    )
