"""The builder of a segment: its rule as rows, or as a file, saved when it is sound."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import journeys as library
from designer.canvas import saying
from designer.canvas.forms import raw as forms_raw
from designer.canvas.forms.raw import Raw
from designer.canvas.lexicon import lexicon
from designer.canvas.sentences import Sentences
from designer.canvas.settings import rearranged
from designer.login.permits import READ, READ_CUSTOMERS, WRITE_DRAFTS
from designer.pages import Sent, actor, database, pages
from designer.segments import forms
from designer.segments.uses import Uses, uses
from designer.words import Words
from engine.errors import InvalidDocument, Said, Stale
from engine.flow import materials
from engine.model.segment import Segment
from engine.store import documents, drafts, populations, vocabulary
from engine.store.drafts import Names
from engine.store.vocabulary import Vocabulary

router = APIRouter(dependencies=[READ, READ_CUSTOMERS, WRITE_DRAFTS])

NEW: Final = "none"
"""The state of a segment that is not there yet, in the field `rev`."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a builder is drawn with: the shop's segments and words, and who uses this one."""

    segments: Mapping[str, Segment]
    names: Names
    words: Vocabulary
    uses: Uses
    rev: str


def _around(connection: Connection, own: str, words: Words) -> Around:
    segments = documents.segments(connection)
    return Around(
        segments,
        drafts.names(connection),
        vocabulary.vocabulary(connection),
        uses(own, populations.journeys(connection), segments, words),
        _rev(connection, own) if own else NEW,
    )


def _rev(connection: Connection, own: str) -> str:
    found = populations.updated_at(connection, own)
    return found.isoformat() if found is not None else NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """A builder's page: whose rule it is (`own`; empty: a new one's), and what is said of it.

    `theirs` is what somebody else has saved meanwhile, in a sentence.
    """

    own: str = ""
    rev: str = NEW
    name: str = ""
    text: str = ""
    refusal: str = ""
    theirs: str = ""
    unsaved: bool = False
    raw: Raw = field(default_factory=dict)
    mistakes: Mapping[str, Said] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it is, without what comes behind."""
        return f"/segments/{self.own}" if self.own else "/segments/new"


def _rows(request: Request, editor: Editor, around: Around, words: Words, status: int) -> Response:
    """Answer with the page of rows."""
    return pages(request).render(
        request,
        "segments/builder.html",
        status=status,
        words=words,
        editor=editor,
        form=forms.form(
            editor.raw,
            around.names,
            words,
            own=editor.own,
            mistakes=editor.mistakes,
            unsaved=editor.unsaved,
        ),
        examples=[
            (one, one.named(str(words.locale)), one.described(str(words.locale)))
            for one in (() if editor.own else library.segments().values())
        ],
        uses=around.uses,
        vocabulary=around.words,
        lexicon=lexicon(around.words),
    )  # fmt: skip


def sentence(segment: Segment, names: Names, words: Words) -> str:
    """Say a segment's rule."""
    clause = Sentences(words, None, names).conditions.say(segment.rule)
    return clause[:1].upper() + clause[1:] + "."


# As rows


@router.get("/segments/new")
def new(request: Request, like: str = "") -> Response:
    """Show an empty builder, or one that is filled with an example."""
    words = pages(request).words(request)
    found = library.segments().get(like)
    document = found.taken(str(words.locale)).document() if found is not None else {}
    with database(request).read() as connection:
        around = _around(connection, "", words)
    editor = Editor(raw=forms.raw_of(document), unsaved=found is not None)
    return _rows(request, editor, around, words, 200)


@router.get("/segments/{segment_id}/edit")
def edit(request: Request, segment_id: str) -> Response:
    """Show a segment's rule in the builder."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        document = documents.get(connection, "segment", segment_id)
        around = _around(connection, segment_id, words)
    editor = Editor(
        own=segment_id, rev=around.rev, name=document["name"], raw=forms.raw_of(document)
    )
    return _rows(request, editor, around, words, 200)


@router.post("/segments/rows")
def rows(request: Request, sent: Sent) -> Response:
    """Answer with the form as it was sent, with a row more, less or of another kind."""
    words = pages(request).words(request)
    own = str(sent.get("own") or "")
    raw = rearranged(forms_raw.read(sent), str(sent.get("what") or ""))
    with database(request).read() as connection:
        names = drafts.names(connection)
    response = pages(request).render(
        request,
        "segments/_form.html",
        words=words,
        editor=Editor(own=own, rev=str(sent.get("rev") or NEW), unsaved=True),
        form=forms.form(raw, names, words, own=own, unsaved=True),
    )
    response.headers["X-Part"] = "panel"
    return response


@router.post("/segments/condition")
def condition(request: Request, sent: Sent, at: str = "") -> Response:
    """Say what the builder says now, of how many customers it holds, and who some of them are."""
    words = pages(request).words(request)
    builder = saying.builder_at("segment", forms_raw.read(sent), at)
    with database(request).read() as connection:
        names = drafts.names(connection)
    said = Sentences(words, None, names).conditions
    return saying.answer(request, builder, said, words, "segments/_says.html")


@router.post("/segments/new")
def create(request: Request, sent: Sent) -> Response:
    """Save a new segment."""
    return _save_rows(request, "", sent)


@router.post("/segments/{segment_id}/edit")
def save(request: Request, segment_id: str, sent: Sent) -> Response:
    """Save a segment, unless it has mistakes or somebody else saved meanwhile."""
    return _save_rows(request, segment_id, sent)


def _save_rows(request: Request, own: str, sent: FormData) -> Response:
    words, raw = pages(request).words(request), forms_raw.read(sent)
    rev = str(sent.get("rev") or "")
    with database(request).read() as connection:
        around = _around(connection, own, words)
    found = forms.read(raw, own or forms.new_id(raw, around.segments), around.segments)
    editor = Editor(own=own, rev=rev, name=_name(around, own), raw=raw, unsaved=True)
    if not isinstance(found, Segment):
        refused = replace(editor, mistakes=found)
        return _rows(request, refused, around, words, 422)
    try:
        return _put(request, found, rev)
    except InvalidDocument as error:  # just now: another segment is gone, or was changed
        refused = replace(editor, mistakes={"rule": Said(str(error.problems[0]))})
        return _rows(request, refused, around, words, 422)
    except Stale:
        with database(request).read() as connection:
            around = _around(connection, own, words)
        return _rows(request, _overtaken(editor, around, words), around, words, 409)


def _name(around: Around, own: str) -> str:
    return around.segments[own].name if own in around.segments else ""


def _put(request: Request, segment: Segment, rev: str) -> Response:
    try:
        seen: materials.Seen = "none" if rev == NEW else datetime.fromisoformat(rev)
    except ValueError:
        raise Stale("An older segment was looked at.") from None
    materials.put_segment(database(request), segment, actor=actor(request), seen=seen)
    return RedirectResponse(f"/segments/{segment.id}?saved=yes", 303)


def _overtaken(editor: Editor, around: Around, words: Words) -> Editor:
    """Return the editor with what somebody else has saved, which saving again would replace."""
    now = around.segments.get(editor.own)
    refusal = words.gettext(
        "Not saved: somebody else changed this segment meanwhile. What you typed is still here: to "
        "put it in the place of theirs, save again."
    )
    theirs = ""
    if now is not None:
        theirs = words.gettext(
            "Theirs, %(name)s: %(rule)s",
            name=words.quote(now.name),
            rule=sentence(now, around.names, words),
        )
    return replace(editor, rev=around.rev, refusal=refusal, theirs=theirs)


# As a file


def _file(request: Request, editor: Editor, around: Around, words: Words, status: int) -> Response:
    """Answer with the page of the file."""
    return pages(request).render(
        request,
        "segments/document.html",
        status=status,
        words=words,
        editor=editor,
        checked=forms.checked(editor.text, around.segments, own=editor.own),
        uses=around.uses,
    )


@router.get("/segments/{segment_id}/document")
def document(request: Request, segment_id: str) -> Response:
    """Show a segment as a file in an editor."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        documents.get(connection, "segment", segment_id)
        around = _around(connection, segment_id, words)
    found = around.segments[segment_id]
    text = forms.written(found.document())
    editor = Editor(own=segment_id, rev=around.rev, name=found.name, text=text)
    return _file(request, editor, around, words, 200)


@router.post("/segments/as-file")
def as_file(request: Request, sent: Sent) -> Response:
    """Show as a file what the rows say now; nothing is saved."""
    words, raw = pages(request).words(request), forms_raw.read(sent)
    own = str(sent.get("own") or "")
    with database(request).read() as connection:
        around = _around(connection, own, words)
    id_ = own or forms.new_id(raw, around.segments)
    editor = Editor(
        own=own,
        rev=str(sent.get("rev") or NEW),
        name=_name(around, own),
        text=forms.written(forms.document_of(raw, id_)),
        unsaved=True,
    )
    return _file(request, editor, around, words, 200)


@router.post("/segments/as-rows")
def as_rows(request: Request, sent: Sent) -> Response:
    """Show as rows what the file says now, unless it has mistakes; nothing is saved."""
    words = pages(request).words(request)
    own, text = str(sent.get("own") or ""), _text(sent)
    with database(request).read() as connection:
        around = _around(connection, own, words)
    editor = Editor(
        own=own,
        rev=str(sent.get("rev") or NEW),
        name=_name(around, own),
        text=text,
        unsaved=True,
    )
    found = forms.checked(text, around.segments, own=own).segment
    if found is None:
        refusal = words.gettext("Rows can show only what is sound: put right what is marked first.")
        return _file(request, replace(editor, refusal=refusal), around, words, 422)
    shown = replace(editor, raw=forms.raw_of(found.document()))
    return _rows(request, shown, around, words, 200)


def _text(sent: Mapping[str, Any]) -> str:
    return str(sent.get("text") or "").replace("\r\n", "\n")


@router.post("/segments/check")
def check_text(request: Request, sent: Sent) -> Response:
    """Answer with what is wrong with a text that is being written."""
    with database(request).read() as connection:
        segments = documents.segments(connection)
    checked = forms.checked(_text(sent), segments, own=str(sent.get("own") or ""))
    response = pages(request).render(request, "segments/_checks.html", checked=checked)
    response.headers["X-Part"] = "checks"
    return response


@router.post("/segments/{segment_id}/document")
def save_text(request: Request, segment_id: str, sent: Sent) -> Response:
    """Save a segment from its file; `new` is one that is not there yet."""
    words, text = pages(request).words(request), _text(sent)
    own = "" if segment_id in forms.RESERVED else segment_id
    rev = str(sent.get("rev") or "")
    with database(request).read() as connection:
        around = _around(connection, own, words)
    editor = Editor(own=own, rev=rev, name=_name(around, own), text=text, unsaved=True)
    checked = forms.checked(text, around.segments, own=own)
    if checked.segment is None or checked.problems:
        refusal = words.gettext("Not saved: put right what is marked first.")
        return _file(request, replace(editor, refusal=refusal), around, words, 422)
    try:
        return _put(request, checked.segment, rev)
    except InvalidDocument as error:  # just now: another segment is gone, or was changed
        refused = replace(editor, refusal=str(error.problems[0]))
        return _file(request, refused, around, words, 422)
    except Stale:
        if not own:
            refusal = words.gettext(
                "There is a segment with the id %(id)s already: choose another id.",
                id=checked.segment.id,
            )
            return _file(request, replace(editor, refusal=refusal), around, words, 409)
        with database(request).read() as connection:
            around = _around(connection, own, words)
        return _file(request, _overtaken(editor, around, words), around, words, 409)
