"""A customer is walked through a journey: nothing is sent, nothing is written, nothing is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from designer.canvas import views as canvas
from designer.canvas.forms.raw import Raw, part, read, text
from designer.canvas.tree import Drawing
from designer.content.views import people
from designer.login.gate import HEADERS
from designer.login.permits import READ, READ_CUSTOMERS
from designer.pages import Sent, database, pages
from designer.walk import views
from designer.walk.asked import MOST_CHOICES, Asked, asked
from designer.walk.forms import WhoForm, form_of, read_answer, read_event, read_who
from designer.walk.letters import Letters
from designer.walk.offers import Offer, offers
from designer.walk.rows import typed
from designer.walk.scene import Scene, begin, known, of_customer, scene, walked
from designer.words import Words
from engine.errors import InvalidInput, NotFound
from engine.model.journey import walk as steps_of
from engine.run.entry import Opened
from engine.run.walked import CanSend, Choice, Handed, Passes, Walked
from engine.store import search

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])

_FOUND: Final = 8
"""Customers that a search shows."""

_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a walk: what is asked, what is said of it, and what has to be mended.

    `typed` is the offer's form that comes back with its mistakes, `who` that of who walks.
    """

    asked: Asked
    said: str = ""
    q: str | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)
    who: WhoForm | None = None
    typed: tuple[str, Raw] | None = None
    step: str = ""

    @property
    def status(self) -> int:
        """The answer's status: 422 when something has to be mended."""
        return 422 if self.wrong or self.who is not None else 200


@router.get("/journeys/{journey_id}/walk")
def walk(request: Request, journey_id: str, show: str = "", customer: str = "") -> Response:
    """Walk somebody made up into the journey, or a customer of the shop."""
    place = scene(database(request), request.app.state.lately, journey_id, draft=show == "draft")
    words = pages(request).words(request)
    if place.plan is None:
        return _to_mend(request, place, words)
    look = Look(asked=begin(place, datetime.now(UTC)))
    if customer:
        with database(request).read() as connection:
            look = _of_customer(connection, place, look, customer, words)
    return _page(request, place, look, words)


@router.post("/journeys/{journey_id}/walk")
def go(request: Request, journey_id: str, sent: Sent, show: str = "") -> Response:
    """Carry the walk on by what was chosen; with mistakes, the form comes back."""
    place = scene(database(request), request.app.state.lately, journey_id, draft=show == "draft")
    words = pages(request).words(request)
    if place.plan is None:
        return _to_mend(request, place, words)
    try:
        look = Look(asked=asked(str(sent.get("walk") or "")))
    except InvalidInput:
        said = words.gettext("That walk cannot be read, so a new one begins here.")
        look = Look(asked=begin(place, datetime.now(UTC)), wrong={"walk": said})
        return _page(request, place, look, words)
    raw = read(sent)
    with database(request).read() as connection:
        look = _done(connection, place, look, raw, words)
    nonce = text(raw, "nonce")
    return _page(request, place, look, words, nonce if _NONCE.fullmatch(nonce) else None)


def _done(connection: Connection, place: Scene, look: Look, raw: Raw, words: Words) -> Look:
    """Do what the form asks for; `do` is a word, some with a part after a colon."""
    do, _, what = text(raw, "do").partition(":")
    step = text(raw, "step")
    match do:
        case "":
            return replace(look, step=step)
        case "again":
            return replace(look, asked=look.asked.begun_again())
        case "back":
            return replace(look, asked=look.asked.a_step_back())
        case "anyway":
            return replace(look, asked=look.asked.model_copy(update={"anyway": True}))
        case "made":
            return replace(look, asked=begin(place, datetime.now(UTC)))
        case "find":
            return replace(look, q=text(raw, "q"))
        case "customer":
            return _of_customer(connection, place, look, what, words)
        case "who":
            return _who(place, look, raw, words)
        case "arm":
            return _other_arm(look, what, words)
        case _:
            return _chosen(connection, place, look, raw, words)


def _of_customer(
    connection: Connection, place: Scene, look: Look, reference: str, words: Words
) -> Look:
    try:
        return replace(look, asked=of_customer(connection, place, look.asked, reference))
    except NotFound:
        return _gone(look, words)


def _gone(look: Look, words: Words) -> Look:
    said = words.gettext("There is no such customer, or not any more. Choose another one.")
    made_up = look.asked.begun_again(customer=None)
    return replace(look, asked=made_up, q=look.q or "", wrong={**look.wrong, "q": said})


def _who(place: Scene, look: Look, raw: Raw, words: Words) -> Look:
    asked_, form = read_who(raw, look.asked, place, words)
    return replace(look, asked=asked_) if asked_ is not None else replace(look, who=form)


def _other_arm(look: Look, what: str, words: Words) -> Look:
    slug = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
    found = re.fullmatch(f"({slug})/({slug})", what)
    if found is None:
        return _unfit(look, words)
    arms = {**look.asked.arms, found[1]: found[2]}
    return replace(look, asked=look.asked.model_copy(update={"arms": arms}))


def _unfit(look: Look, words: Words) -> Look:
    said = words.gettext("This cannot be chosen here. The walk stands as it was before.")
    return replace(look, wrong={**look.wrong, "choice": said})


def _chosen(connection: Connection, place: Scene, look: Look, raw: Raw, words: Words) -> Look:
    """Add a choice to the walk, unless it is wrong or does not fit."""
    do = text(raw, "do")
    try:
        before = walked(connection, place, look.asked)
    except NotFound:
        return _gone(look, words)
    if len(look.asked.choices) >= MOST_CHOICES:
        said = words.gettext("This walk is long enough. Start again, or go some steps back.")
        return replace(look, wrong={"choice": said})
    choice, wrong = _choice(do, before, place, raw, words)
    if wrong:
        return replace(look, wrong=wrong, typed=(do, raw))
    if choice is None:
        return _unfit(look, words)
    kept = look.asked.choices[: before.taken]
    asked_ = look.asked.model_copy(update={"choices": (*kept, choice)})
    after = walked(connection, place, asked_)
    if after.unfit == "too_late":
        said = words.gettext(
            "By then the wait here is over: choose a shorter time, or let the time pass first."
        )
        return replace(look, wrong={"after": said}, typed=(do, raw))
    return replace(look, asked=asked_) if after.unfit is None else _unfit(look, words)


def _choice(
    do: str, before: Walked, place: Scene, raw: Raw, words: Words
) -> tuple[Choice | None, Mapping[str, str]]:
    kind, _, what = do.partition(":")
    match kind:
        case "pass":
            return Passes(step=before.here), {}
        case "send":
            return _handed(what, before), {}
        case "answer":
            return read_answer(raw, what, before, place, words)
        case "happen":
            return read_event(raw, what, before, words)
        case _:
            return None, {}


def _handed(outcome: str, before: Walked) -> Handed | None:
    can = next((one for one in before.open if isinstance(one, CanSend)), None)
    if can is None or (can.barred is not None and outcome != "skipped"):
        return None
    match outcome:
        case "sent" | "skipped" | "failed":
            return Handed(step=can.step, outcome=outcome)
        case _:
            return None


def _to_mend(request: Request, place: Scene, words: Words) -> Response:
    """Say what has to be put right before anybody can be walked through the journey."""
    sentences = place.shown.sentences(words)
    return pages(request).render(
        request,
        "walk/mend.html",
        words=words,
        found=place.shown.found,
        name=place.journey.name,
        mistakes=place.mistakes,
        names={step.id: sentences.title(step) for step in steps_of(place.journey.steps)},
    )


def _page(
    request: Request, place: Scene, look: Look, words: Words, nonce: str | None = None
) -> Response:
    """Answer with the page, or with the parts of it that a walk changes."""
    nonce = nonce or token_urlsafe(12)
    with database(request).read() as connection:
        try:
            way = walked(connection, place, look.asked)
        except NotFound:  # erased since the page was opened
            look = _gone(look, words)
            way = walked(connection, place, look.asked)
        her = known(connection, look.asked)
        several = search.customers(connection, look.q, limit=_FOUND).items if look.q else []
    if way.taken < len(look.asked.choices):
        said = words.gettext("What was chosen after this does not fit any more, and was left out.")
        kept = look.asked.choices[: way.taken]
        look = replace(look, said=said, asked=look.asked.model_copy(update={"choices": kept}))
    partly = bool(request.headers.get("HX-Request"))
    sentences = place.shown.sentences(words)
    letters = Letters(place, words, nonce)
    story = views.Story(place, way, sentences, letters)
    name, about = views.who(her, look.asked, sentences)
    response = pages(request).render(
        request,
        "walk/_walked.html" if partly else "walk/walk.html",
        status=look.status,
        words=words,
        nonce=nonce,
        found=place.shown.found,
        draft=place.draft,
        name=place.journey.name,
        holdout=words.percent(place.journey.holdout / 100) if place.journey.holdout else "",
        held_out=her is not None and isinstance(way.entry, Opened) and way.entry.held_out,
        tree=Drawing(sentences, {}).tree(place.journey.steps),
        top=canvas.top(place.journey, sentences),
        editing=False,
        chosen=look.step or "-",
        lit=views.lit(way),
        look=look,
        walk=look.asked.text(),
        who=name,
        about=about,
        her=her,
        form=look.who or form_of(look.asked, place, words),
        opens=sentences.opens(place.journey.entry),
        matches=people(several, words),
        story=story.sentences(),
        refusal=story.refusal(),
        stands=story.stands(),
        left=way.state is not None and way.state.ended is not None,
        offers=_offered(offers(way, place.journey, sentences), look),
        letter=letters.next(way),
    )
    if partly:
        response.headers["X-Part"] = "walked"
    # The previews' frames have this page's policy: an email's own styles need its nonce, and its
    # pictures are the shop's.
    policy = HEADERS["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace(
        "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
    ).replace("img-src 'self'", "img-src 'self' https:")
    return response


def _offered(several: list[Offer], look: Look) -> list[Offer]:
    """Return the offers, the one whose form was wrong as it was typed."""
    if look.typed is None:
        return several
    do, raw = look.typed
    after = part(raw, "after")
    return [
        replace(
            offer,
            rows=tuple(typed(raw.get("properties"), offer.rows)),
            after=(text(after, "n"), text(after, "unit")) if offer.after is not None else None,
            wrong=look.wrong,
        )
        if any(button.do == do for button in offer.buttons)
        else offer
        for offer in several
    ]
