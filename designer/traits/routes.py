"""The list of traits, and the forms of computed traits and scores."""

from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.permits import READ, READ_CUSTOMERS, WRITE_DRAFTS
from designer.pages import Sent, actor, database, pages
from designer.traits import forms, views
from designer.traits.forms import OPERATORS, UNITS, Editor, Kind
from designer.traits.sentences import TAKES
from engine.errors import Conflict, InvalidDocument, NotFound
from engine.flow import definitions as defining
from engine.model.mistakes import sentence
from engine.model.ready_traits import ready_score, ready_traits
from engine.model.trait import AnyTrait, EventTrait, Score, TraitDocument
from engine.store import definitions, documents, vocabulary

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])


@router.get("/traits")
def traits(request: Request) -> Response:
    """List what is known of customers, and where it comes from."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        listed = views.listed(connection, words)
    building = any(row.progress for row in (*listed.computed, *listed.scores))
    return pages(request).render(
        request, "traits/list.html", words=words, listed=listed, building_any=building
    )


@router.post("/traits/ready", dependencies=[WRITE_DRAFTS])
def take_ready(request: Request) -> Response:
    """Take the usual computed traits, and a score; those that there are stay as they are."""
    with database(request).read() as connection:
        known = {*definitions.traits(connection), *definitions.scores(connection)}
        currency = documents.workspace(connection).currency
    words = pages(request).words(request)
    for trait in ready_traits(currency):
        if trait.id not in known:
            called = trait.model_copy(update={"name": words.gettext(trait.name)})
            defining.put_trait(database(request), called, actor=actor(request))
    if ready_score().id not in known:
        defining.put_score(database(request), ready_score(), actor=actor(request))
    return RedirectResponse("/traits", 303)


@router.get("/traits/new", dependencies=[WRITE_DRAFTS])
def new_trait(request: Request, kind: Literal["events", "place", "joined"] = "events") -> Response:
    """Show an empty form of a computed trait."""
    return _form(request, forms.blank(kind))


@router.post("/traits/new", dependencies=[WRITE_DRAFTS])
def create_trait(
    request: Request, form: Sent, kind: Literal["events", "place", "joined"] = "events"
) -> Response:
    """Save a new computed trait."""
    return _saved(request, forms.posted(kind, form, None))


@router.get("/traits/{trait_id}")
def trait(request: Request, trait_id: str) -> Response:
    """Show a computed trait: what it is, how it is spread, and its form."""
    found = _found(request, "trait", trait_id)
    return _form(request, _editor(found), one=found)


@router.post("/traits/{trait_id}", dependencies=[WRITE_DRAFTS])
def save_trait(request: Request, trait_id: str, form: Sent) -> Response:
    """Save a computed trait."""
    found = _found(request, "trait", trait_id)
    return _saved(request, forms.posted(_editor(found).kind, form, trait_id), one=found)


@router.post("/traits/{trait_id}/delete", dependencies=[WRITE_DRAFTS])
def remove_trait(request: Request, trait_id: str) -> Response:
    """Delete a computed trait that nothing uses."""
    return _removed(request, _found(request, "trait", trait_id))


@router.get("/scores/new", dependencies=[WRITE_DRAFTS])
def new_score(request: Request) -> Response:
    """Show an empty form of a score."""
    return _form(request, forms.blank("score"))


@router.post("/scores/new", dependencies=[WRITE_DRAFTS])
def create_score(request: Request, form: Sent) -> Response:
    """Save a new score."""
    return _saved(request, forms.posted("score", form, None))


@router.get("/scores/{score_id}")
def score(request: Request, score_id: str) -> Response:
    """Show a score: its rules, how it is spread, and its form."""
    found = _found(request, "score", score_id)
    return _form(request, _editor(found), one=found)


@router.post("/scores/{score_id}", dependencies=[WRITE_DRAFTS])
def save_score(request: Request, score_id: str, form: Sent) -> Response:
    """Save a score."""
    found = _found(request, "score", score_id)
    return _saved(request, forms.posted("score", form, score_id), one=found)


@router.post("/scores/{score_id}/delete", dependencies=[WRITE_DRAFTS])
def remove_score(request: Request, score_id: str) -> Response:
    """Delete a score that nothing uses."""
    return _removed(request, _found(request, "score", score_id))


def _found(request: Request, kind: Literal["trait", "score"], id: str) -> AnyTrait | Score:
    with database(request).read() as connection:
        if kind == "score":
            found: AnyTrait | Score | None = definitions.scores(connection).get(id)
        else:
            found = definitions.traits(connection).get(id)
    if found is None:
        raise NotFound(f"There is no {'score' if kind == 'score' else 'computed trait'} {id!r}.")
    return found


def _editor(one: AnyTrait | Score) -> Editor:
    return forms.of_score(one) if isinstance(one, Score) else forms.of_trait(one)


def _form(
    request: Request, editor: Editor, status: int = 200, *, one: AnyTrait | Score | None = None
) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        known = vocabulary.vocabulary(connection)
        every, scores = definitions.traits(connection), definitions.scores(connection)
        shown = views.shown(connection, one, words) if one is not None else None
        kept = _kept(one, views.trait_words(connection, words), editor)
    return pages(request).render(
        request,
        "traits/form.html",
        status=status,
        words=words,
        editor=editor,
        shown=shown,
        kept=kept,
        vocabulary=known,
        takes=TAKES,
        operators=OPERATORS,
        units=UNITS,
        sources={id: one.name for id, one in (*every.items(), *scores.items())},
        ranked={
            **{id: t.name for id, t in every.items() if isinstance(t, EventTrait)},
            **{id: s.name for id, s in scores.items()},
        },
    )


def _kept(one: AnyTrait | Score | None, say: Any, editor: Editor) -> list[str]:
    """Return the conditions that the form keeps as they are, in words."""
    if isinstance(one, EventTrait) and editor.raw.get("kept") and one.where is not None:
        return [say.condition(one.where)]
    if isinstance(one, Score):
        return [say.condition(rule.where) if rule.where else "" for rule in one.rules]
    return []


def _saved(request: Request, editor: Editor, *, one: AnyTrait | Score | None = None) -> Response:
    words = pages(request).words(request)

    def refuse(wrong: dict[str, str], status: int = 422) -> Response:
        return _form(request, replace(editor, wrong=wrong), status, one=one)

    with database(request).read() as connection:
        known = vocabulary.vocabulary(connection)
        taken = {*definitions.traits(connection), *definitions.scores(connection)}
    if editor.new and editor.id in taken:
        return refuse(
            {"id": words.gettext("There is a trait or a score with this id already.")}, 409
        )
    document = forms.document(editor, known)
    try:
        if editor.kind == "score":
            score = Score.model_validate(document)
            defining.put_score(database(request), score, actor=actor(request))
        else:
            trait = TraitDocument.read(document)
            defining.put_trait(database(request), trait, actor=actor(request))
    except ValidationError as error:
        return refuse(_wrong(editor.kind, error, words))
    except InvalidDocument as error:
        return refuse({str(p.path[0]) if p.path else "": words.problem(p) for p in error.problems})
    below = "scores" if editor.kind == "score" else "traits"
    return RedirectResponse(f"/{below}/{editor.id}", 303)


_FIELDS = {
    "trait_of": "of",
    "half_life": "half_life",
    "score_bounds": "floor",
    "score_thresholds": "thresholds",
    "score_circle": "rules",
}


def _wrong(kind: Kind, error: ValidationError, words: Any) -> dict[str, str]:
    """Return a sentence for each field that is wrong."""
    found: dict[str, str] = {}
    for mistake in error.errors(include_url=False, include_input=False):
        place = [str(part) for part in mistake["loc"]]
        inside = place if kind == "score" else place[2:]
        name = inside[0] if inside else _FIELDS.get(mistake["type"], "")
        found.setdefault("of" if name == "quantile_of" else name, words.said(sentence(mistake)))
    return found


def _removed(request: Request, one: AnyTrait | Score) -> Response:
    try:
        if isinstance(one, Score):
            defining.delete_score(database(request), one.id, actor=actor(request))
        else:
            defining.delete_trait(database(request), one.id, actor=actor(request))
    except Conflict as error:
        words = pages(request).words(request)
        editor = replace(_editor(one), wrong={"delete": words.said(error.said)})
        return _form(request, editor, 409, one=one)
    return RedirectResponse("/traits", 303)
