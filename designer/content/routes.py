"""Templates: the list, a new one, the editor, its previews, and sending a test."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import token_urlsafe
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from activities.transport import clock
from designer.content import forms, previews, trials, views
from designer.content.forms import Fault
from designer.framed import frames_messages
from designer.login.permits import READ, READ_CUSTOMERS, WRITE_DRAFTS
from designer.pages import actor, database, pages
from designer.words import Words
from engine.errors import Conflict, InvalidInput
from engine.flow import materials
from engine.model.snippet import bodies
from engine.model.template import Template
from engine.store import search, snippets, templates
from engine.store.documents import workspace
from engine.store.templates import Stored

router = APIRouter(dependencies=[READ])

_PACE: Final = trials.Pace()


async def _values(request: Request) -> dict[str, str]:
    form = await request.form()
    return {
        name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)
    }


Values = Annotated[dict[str, str], Depends(_values)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """An editor's page: a template in one language, what is typed, and what is said of it."""

    template: Template
    locale: str
    values: dict[str, str]
    rev: str
    faults: list[Fault] = field(default_factory=list)
    refusal: str = ""
    saved: bool = False


@router.get("/templates")
def listed(request: Request) -> Response:
    """List the templates by name."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        rows = views.rows(templates.every(connection), words)
    return pages(request).render(request, "content/list.html", words=words, rows=rows)


@router.get("/templates/new", dependencies=[WRITE_DRAFTS])
def new(request: Request) -> Response:
    """Ask what a new template is called and for."""
    return _new(request, {}, [])


@router.post("/templates/new", dependencies=[WRITE_DRAFTS])
def create(request: Request, values: Values) -> Response:
    """Make a template, empty for now."""
    template, faults = forms.new(values)
    if template is None:
        return _new(request, values, faults, 422)
    try:
        materials.put_template(database(request), template, actor=actor(request), seen="none")
    except Conflict:
        taken = (
            pages(request).words(request).gettext("There is such a template: choose another id.")
        )
        return _new(request, values, [Fault("id", taken)], 409)
    return RedirectResponse(f"/templates/{template.id}", 303)


def _new(
    request: Request, values: dict[str, str], faults: list[Fault], status: int = 200
) -> Response:
    words = pages(request).words(request)
    return pages(request).render(
        request, "content/new.html", status=status, words=words, values=values, faults=faults,
        channels=views.channels(words),
    )  # fmt: skip


@router.get("/templates/people", dependencies=[READ_CUSTOMERS])
def people(request: Request, q: str = "", template: str = "") -> Response:
    """Find customers to preview a template with."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = search.customers(connection, q, limit=8).items if q.strip() else []
    return pages(request).render(
        request, "content/_people.html", words=words, people=views.people(found, words), q=q
    )


@router.get("/templates/{template_id}", dependencies=[READ_CUSTOMERS])
def editor(request: Request, template_id: str, locale: str = "", saved: str = "") -> Response:
    """Show a template in an editor, with previews beside it."""
    with database(request).read() as connection:
        stored = templates.one(connection, template_id)
    template = stored.template
    chosen = locale if locale in template.locales else next(iter(template.locales))
    return _editor(
        request,
        Editor(
            template=template,
            locale=chosen,
            values=forms.values_of(template.locales[chosen]),
            rev=stored.updated_at.isoformat(),
            saved=bool(saved),
        ),
    )


@router.post("/templates/{template_id}", dependencies=[WRITE_DRAFTS])
def save(request: Request, template_id: str, values: Values) -> Response:
    """Save one language of a template, unless it has mistakes or somebody else saved meanwhile."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        stored = templates.one(connection, template_id)
        pieces = bodies(snippets.every(connection), values.get("locale"))
    template, locale = stored.template, _locale(stored.template, values)
    result = forms.read(template.channel, values, pieces)
    page = Editor(
        template=template, locale=locale, values=values, rev=values.get("rev", ""),
        faults=result.faults,
    )  # fmt: skip
    if result.content is None or result.faults:
        refusal = words.gettext("Not saved: put right what is marked first.")
        return _editor(request, replace(page, refusal=refusal), 422)
    changed = template.model_copy(
        update={
            "name": values.get("name", "").strip()[:200] or template.name,
            "locales": {**template.locales, locale: result.content},
        }
    )
    try:
        _put(request, changed, values)
    except Conflict as conflict:
        return _editor(request, replace(page, refusal=_why(conflict, words)), 409)
    return RedirectResponse(f"/templates/{template_id}?locale={locale}&saved=yes", 303)


@router.post("/templates/{template_id}/locales", dependencies=[WRITE_DRAFTS])
def add_locale(request: Request, template_id: str, values: Values) -> Response:
    """Add a language, written at first like the one that is shown."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        stored = templates.one(connection, template_id)
    template, wanted = stored.template, values.get("add", "").strip().replace("_", "-")
    page = Editor(
        template=template, locale=_locale(template, values), rev=stored.updated_at.isoformat(),
        values=forms.values_of(template.content(values.get("locale"))),
    )  # fmt: skip
    if not views.is_language(wanted) or wanted in template.locales:
        fault = Fault(
            "add", words.gettext("Write a language that is not there yet, like fr or de-CH.")
        )
        return _editor(request, replace(page, faults=[fault]), 422)
    content = template.content(values.get("locale"))
    changed = template.model_copy(update={"locales": {**template.locales, wanted: content}})
    try:
        _put(request, changed, values)
    except Conflict as conflict:
        return _editor(request, replace(page, refusal=_why(conflict, words)), 409)
    return RedirectResponse(f"/templates/{template_id}?locale={wanted}", 303)


@router.post("/templates/{template_id}/preview", dependencies=[READ_CUSTOMERS])
def preview(request: Request, template_id: str, values: Values) -> Response:
    """Answer with what is being written, as a customer would get it."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        stored = templates.one(connection, template_id)
        shown = _preview(connection, stored, values, words)
    return _part(request, "content/_preview.html", words=words, **shown)


@router.post("/templates/{template_id}/test", dependencies=[WRITE_DRAFTS])
def test(request: Request, template_id: str, values: Values) -> Response:
    """Send what is being written to an address, at once."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        stored = templates.one(connection, template_id)
        shown = _preview(connection, stored, values, words)
    channel, text = stored.template.channel, shown["preview"].text
    told, good = words.gettext("Not sent: put right what is marked first."), False
    transport = request.app.state.transports[channel]
    try:
        to = trials.address(channel, values.get("to", ""), words)
        if text is not None and not _PACE.admits(clock()):
            told = words.gettext("Not sent: ten tests in ten minutes are enough. Wait a little.")
        elif text is not None:
            refused = trials.send(transport, channel, to, text, words)
            told, good = views.outcome(refused, transport.name, to, words), refused is None
    except InvalidInput as error:
        told = words.said(error.said)
    return _part(request, "content/_test.html", words=words, told=told, good=good)


def _preview(
    connection: Connection, stored: Stored, values: dict[str, str], words: Words
) -> dict[str, Any]:
    template = stored.template
    locale, shop = _locale(template, values), workspace(connection)
    pieces = bodies(snippets.every(connection), locale, shop.locale)
    opening = templates.opening_events(connection, template.id)
    who = previews.person(connection, values.get("customer", ""), opening, words)
    result = forms.read(template.channel, values, pieces)
    if result.content is None or result.faults:
        return {"preview": previews.Preview(template.channel, None, result.faults[0]), "who": who}
    about = {"name": shop.name, "currency": shop.currency, "locale": shop.locale}
    known = previews.variables(result.content, pieces, who, about)
    nonce = values.get("nonce", "")
    shown = previews.preview(result.content, template.channel, known, pieces, nonce)
    return {"preview": shown, "who": who}


def _part(request: Request, name: str, **values: Any) -> Response:
    response = pages(request).render(request, name, **values)
    response.headers["X-Part"] = name
    return response


def _put(request: Request, template: Template, values: dict[str, str]) -> None:
    try:
        seen = datetime.fromisoformat(values.get("rev", ""))
    except ValueError:
        raise Conflict("changed meanwhile") from None
    materials.put_template(database(request), template, actor=actor(request), seen=seen)


def _why(conflict: Conflict, words: Words) -> str:
    if "changed meanwhile" in str(conflict) or "look at it again" in str(conflict):
        return words.gettext(
            "Not saved: somebody else changed this template meanwhile. Your text is still here: "
            "copy what you need, then open the newest."
        )
    return words.gettext("Not saved: %(reason)s", reason=words.said(conflict.said))


def _locale(template: Template, values: dict[str, str]) -> str:
    wanted = values.get("locale", "")
    return wanted if wanted in template.locales else next(iter(template.locales))


def _editor(request: Request, page: Editor, status: int = 200) -> Response:
    words = pages(request).words(request)
    nonce = token_urlsafe(12)
    values = {**page.values, "nonce": nonce, "locale": page.locale}
    with database(request).read() as connection:
        stored = templates.one(connection, page.template.id)
        shown = _preview(connection, stored, values, words)
    response = pages(request).render(
        request, "content/editor.html", status=status, words=words, page=page, nonce=nonce,
        fields=views.fields(page.template.channel, page.faults, words),
        faults={fault.field: fault for fault in page.faults}, **shown,
    )  # fmt: skip
    frames_messages(response, nonce)
    return response
