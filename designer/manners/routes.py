"""Frequency caps and the shop's manners: what holds, what it did, and the forms to change it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.ids import id_of
from designer.login.permits import ADMINISTER, PUBLISH, READ
from designer.manners import rules, settings, views
from designer.manners.rules import RuleForm
from designer.manners.sentences import rule_sentence
from designer.manners.settings import SettingsForm
from designer.pages import Sent, actor, database, pages
from designer.words import Words
from engine.errors import NotFound
from engine.flow import materials
from engine.model.cap import Cap
from engine.model.clock import instant_of
from engine.run.sms import STOP
from engine.store import documents, drafts, manners, versions

router = APIRouter(dependencies=[READ])

_WEEK: Final = timedelta(days=7)


@router.get("/manners")
def overview(request: Request, saved: str = "") -> Response:
    """Show the rules in sentences, the other manners, and what all of them did."""
    return _overview(request, saved=saved)


@router.post("/manners/settings", dependencies=[ADMINISTER])
def save_settings(request: Request, sent: Sent) -> Response:
    """Save quiet hours and the other manners, and leave the shop's other settings."""
    words = pages(request).words(request)
    form = settings.read_form(sent)
    changes, wrong = settings.changes_of(form, words)
    if wrong:
        return _overview(request, replace(form, wrong=wrong), status=422)
    materials.change_workspace(database(request), changes, actor=actor(request))
    pages(request).forget_shop()
    return RedirectResponse("/manners?saved=settings#manners", 303)


@router.get("/manners/rules/new", dependencies=[PUBLISH])
def new(request: Request) -> Response:
    """Show the form of a new rule."""
    return _form(request, RuleForm())


@router.post("/manners/rules/new", dependencies=[PUBLISH])
def create(request: Request, sent: Sent) -> Response:
    """Save a new rule; it holds from the next message on."""
    with database(request).read() as connection:
        taken = documents.caps(connection)
    form = rules.read_form(sent)
    return _saved(request, form, id_of(form.name, taken, "rule"))


@router.post("/manners/sentence", dependencies=[PUBLISH])
def sentence(request: Request, sent: Sent) -> Response:
    """Answer with the sentence that a form says so far, or what is wrong with it."""
    words = pages(request).words(request)
    cap = rules.cap_of(_named(rules.read_form(sent)), words)
    response = pages(request).render(
        request,
        "manners/_sentence.html",
        words=words,
        said=_said(request, cap, words),
        wrong={} if isinstance(cap, Cap) else cap,
    )
    response.headers["X-Part"] = "sentence"
    return response


@router.get("/manners/rules/{rule}")
def edit(request: Request, rule: str) -> Response:
    """Show a rule's form."""
    return _form(request, rules.form_of(_rule(request, rule)))


@router.post("/manners/rules/{rule}", dependencies=[PUBLISH])
def save(request: Request, rule: str, sent: Sent) -> Response:
    """Save a rule; it holds from the next message on."""
    _rule(request, rule)
    return _saved(request, rules.read_form(sent, rule), rule)


@router.post("/manners/rules/{rule}/delete", dependencies=[PUBLISH])
def delete(request: Request, rule: str) -> Response:
    """Delete a rule."""
    materials.delete(database(request), "cap", rule, actor=actor(request))
    return RedirectResponse("/manners?saved=deleted", 303)


def _rule(request: Request, rule: str) -> Cap:
    with database(request).read() as connection:
        found = documents.caps(connection).get(rule)
    if found is None:
        raise NotFound(f"There is no rule {rule!r}.")
    return found


def _saved(request: Request, form: RuleForm, rule: str) -> Response:
    cap = rules.cap_of(replace(form, id=rule), pages(request).words(request))
    if not isinstance(cap, Cap):
        return _form(request, replace(form, wrong=cap), 422)
    materials.put_cap(database(request), cap, actor=actor(request))
    return RedirectResponse("/manners?saved=rule", 303)


def _named(form: RuleForm) -> RuleForm:
    """Return a form that can be said in a sentence before the rule has a name."""
    return replace(form, name=form.name or "?")


def _said(request: Request, cap: Cap | dict[str, str], words: Words) -> str:
    if not isinstance(cap, Cap):
        return ""
    with database(request).read() as connection:
        return rule_sentence(cap, drafts.names(connection), words)


def _form(request: Request, form: RuleForm, status: int = 200) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        names = drafts.names(connection)
    cap = rules.cap_of(_named(form), words)
    return pages(request).render(
        request,
        "manners/rule.html",
        status=status,
        words=words,
        form=form,
        topics={**{one: one for one in form.topics}, **names.topics},
        per_units=rules.units(form.per_unit, words),
        wait_units=rules.units(form.wait_unit, words),
        said=rule_sentence(cap, names, words) if isinstance(cap, Cap) else "",
    )


def _overview(
    request: Request, form: SettingsForm | None = None, *, saved: str = "", status: int = 200
) -> Response:
    words = pages(request).words(request)
    now = datetime.now(UTC)
    month = words.local(now).date().replace(day=1)
    with database(request).read() as connection:
        caps = documents.caps(connection)
        names = drafts.names(connection)
        held = _held(connection, month, now, words)
        received = manners.received(connection, now - _WEEK, now)
        form = form or settings.form_of(documents.workspace(connection))
    return pages(request).render(
        request,
        "manners/overview.html",
        status=status,
        words=words,
        saved=saved,
        caps=[(cap.id, cap.name or cap.id, rule_sentence(cap, names, words))
              for cap in caps.values()],
        gauge=views.gauge(received, words),
        held=held,
        form=form,
        countries=settings.countries(words),
        stops=STOP,
    )  # fmt: skip


def _held(connection: Connection, month: date, now: datetime, words: Words) -> list[views.Held]:
    """Return what was held back since the month began on the shop's clock."""
    stopped = manners.stopped(connection, instant_of(month, time(), words.shop.zone), now)
    names, journeys = drafts.names(connection), versions.journey_names(connection)
    return views.held(stopped, names, journeys, month, words)
