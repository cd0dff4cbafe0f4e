"""People: the list, an invitation, another role, and letting somebody in no more."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.links import password_link
from designer.login.permits import ADMINISTER
from designer.pages import actor, database, pages
from designer.people.letters import OUTBOX, mail
from designer.roles import role_name
from designer.words import Words
from engine.errors import InvalidInput
from engine.flow import people
from engine.flow.people import LastAdministrator, Taken
from engine.store import users
from engine.store.users import PEOPLE_ROLES, User

router = APIRouter(prefix="/settings/people", dependencies=[ADMINISTER])

Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page says besides the list: a form's values and faults, a link, a refusal."""

    email: str = ""
    name: str = ""
    role: str = "marketer"
    wrong: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    saved: str = ""
    link: str = ""
    whose: User | None = None
    mailed: str = ""
    not_mailed: str = ""


@router.get("")
def listed(request: Request, saved: str = "") -> Response:
    """List everybody."""
    return _page(request, Shown(saved=saved))


@router.post("")
def invite(request: Request, email: Text = "", name: Text = "", role: Text = "") -> Response:
    """Invite somebody, and show the link by which she sets her password."""
    words = pages(request).words(request)
    form = Shown(email=email, name=name, role=role)
    if role not in PEOPLE_ROLES:
        fault = {"role": words.gettext("Choose a role.")}
        return _page(request, _with(form, wrong=fault), 422)
    try:
        user = people.invite(database(request), email.strip(), name, role, actor=actor(request))
    except Taken:
        fault = {"email": words.gettext("Somebody with this address is in the list already.")}
        return _page(request, _with(form, wrong=fault), 409)
    except InvalidInput:
        fault = {"email": words.gettext("Write an address like ada@example.com.")}
        return _page(request, _with(form, wrong=fault), 422)
    return _linked(request, user, words)


@router.post("/{user}/link")
def link(request: Request, user: UUID) -> Response:
    """Make a new link for somebody to set her password by; nothing changes until she does."""
    with database(request).read() as connection:
        found = users.one(connection, user)
    words = pages(request).words(request)
    if found.disabled_at is not None:
        refusal = words.gettext(
            "%(name)s is disabled: enable this account first.", name=found.called
        )
        return _page(request, Shown(refusal=refusal), 409)
    return _linked(request, found, words)


@router.post("/{user}/role")
def change_role(request: Request, user: UUID, role: Text = "") -> Response:
    """Give somebody another role."""
    return _changed(
        request,
        lambda: people.change_role(database(request), user, role, actor=actor(request)),
        "role",
    )


@router.post("/{user}/disable")
def disable(request: Request, user: UUID) -> Response:
    """Let somebody in no more."""
    return _changed(
        request, lambda: people.disable(database(request), user, actor=actor(request)), "disabled"
    )


@router.post("/{user}/enable")
def enable(request: Request, user: UUID) -> Response:
    """Let somebody in again."""
    return _changed(
        request, lambda: people.enable(database(request), user, actor=actor(request)), "enabled"
    )


def _changed(request: Request, change: Callable[[], User], saved: str) -> Response:
    try:
        change()
    except LastAdministrator:
        refusal = pages(request).words(request).gettext(
            "Not changed: this is the last administrator. Give somebody else that role first."
        )  # fmt: skip
        return _page(request, Shown(refusal=refusal), 409)
    finally:
        request.app.state.sessions.forget()
    return RedirectResponse(f"/settings/people?saved={saved}", 303)


def _linked(request: Request, user: User, words: Words) -> Response:
    """Show a person's link, and mail it where mail goes out."""
    settings = request.app.state.settings
    link = password_link(settings.signing_key(), settings.url, user)
    transport = request.app.state.transports["email"]
    mailed, not_mailed = "", ""
    if transport.name != OUTBOX:
        not_mailed = mail(transport, user, link, words) or ""
        mailed = "" if not_mailed else user.email
    shown = Shown(link=link, whose=user, mailed=mailed, not_mailed=not_mailed)
    response = _page(request, shown)
    response.headers["Cache-Control"] = "no-store"
    return response


def _with(form: Shown, *, wrong: dict[str, str]) -> Shown:
    return Shown(email=form.email, name=form.name, role=form.role, wrong=wrong)


def _page(request: Request, shown: Shown, status: int = 200) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        everybody = users.every(connection)
    rows: list[dict[str, Any]] = [
        {"user": user, "role": role_name(user.role, words)} for user in everybody
    ]
    return pages(request).render(
        request,
        "people/people.html",
        status=status,
        words=words,
        rows=rows,
        roles=[role_name(role, words) for role in PEOPLE_ROLES],
        shown=shown,
    )
