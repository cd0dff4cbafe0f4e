"""The pages behind the signed links in messages.

The link is the permission: it was sent to the customer, cannot be guessed, and says what it is
for. There is neither a login nor a token against forged requests, since nobody else's browser
knows the address that such a request would need. Opening a page changes nothing, because mail
scanners open every link; only a button, or a mail program's own request, does.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from designer.api.reading import read_body
from designer.pages import database, pages
from designer.preferences import views
from designer.words import LANGUAGES, Words
from engine.flow import consent
from engine.flow.consent import Proof
from engine.model.base import Channel
from engine.model.customer import Customer
from engine.model.topic import Topic, topic_named
from engine.names import Wake
from engine.run.links import CONFIRM, PREFERENCES, UNSUBSCRIBE, Links, Named
from engine.store import consent as records
from engine.store import documents

router = APIRouter()

_LARGEST: Final = 100_000
"""The largest form, in bytes."""

_ONE_CLICK: Final = b"List-Unsubscribe"
"""The field that a mail program sends (RFC 8058), in whichever encoding."""

_READ: Final = ["GET", "HEAD"]


async def _body(request: Request) -> bytes:
    return await read_body(request, _LARGEST)


Body = Annotated[bytes, Depends(_body)]


@dataclass(frozen=True, slots=True)
class Visit:
    """Who came by a link, what it names, and in which words she is spoken to."""

    named: Named
    customer: Customer
    topics: dict[str, Topic]
    words: Words

    @property
    def topic(self) -> Topic:
        """The topic that the link is about."""
        return self.topics.get(self.named.topic) or topic_named(self.named.topic)

    @property
    def channel(self) -> Channel:
        """The channel that the link is about."""
        return self.named.channel or "email"

    def proof(self, request: Request, how: consent.How) -> Proof:
        """Return how she says what she says by this visit."""
        source = "/" + request.url.path.split("/")[1]
        version = views.text_version(self.words)
        return Proof(how=how, source=source, text_version=version, message=self.named.message)


def _visit(request: Request, purpose: str, token: str) -> Visit | None:
    links: Links = request.app.state.links
    named = links.read(purpose, token)
    if named is None:
        return None
    with database(request).read() as connection:
        customer = records.customer(connection, named.customer)
        topics = documents.topics(connection)
    if customer is None:
        return None
    return Visit(named, customer, topics, views.words_for(request, customer))


def _gone(request: Request) -> Response:
    words = views.words_for(request, None)
    return pages(request).render(request, "preferences/gone.html", status=404, words=words)


def _shown(request: Request, template: str, visit: Visit, **values: Any) -> Response:
    links: Links = request.app.state.links
    own = links.preferences(visit.customer.id, visit.named.message).removeprefix(links.base)
    response = pages(request).render(
        request,
        f"preferences/{template}.html",
        words=visit.words,
        preferences=own,
        **values,
    )
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is a key
    return response


def _about(visit: Visit) -> dict[str, str]:
    """Return what the page of a link to one topic says."""
    return {
        "topic": views.topic_name(visit.topic, visit.words),
        "channel": views.by_channel(visit.channel, visit.words),
        "address": views.masked(visit.customer, visit.channel),
        "state": visit.customer.subscription(visit.topic, visit.channel),
    }


def _tell(request: Request, wakes: list[Wake]) -> None:
    if request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)


@router.api_route("/u/{token:path}", methods=_READ)
def ask_to_unsubscribe(request: Request, token: str) -> Response:
    """Show what would end, with a button."""
    visit = _visit(request, UNSUBSCRIBE, token)
    return (
        _gone(request) if visit is None else _shown(request, "unsubscribe", visit, **_about(visit))
    )


@router.post("/u/{token:path}")
def unsubscribe(request: Request, token: str, body: Body) -> Response:
    """End a topic on a channel: by the page's button, or by a mail program (RFC 8058)."""
    visit = _visit(request, UNSUBSCRIBE, token)
    if visit is None:
        return _gone(request)
    going, wakes = consent.say(
        database(request),
        visit.customer.id,
        {(visit.topic.id, visit.channel): "unsubscribed"},
        visit.proof(request, "link"),
    )
    _tell(request, wakes)
    if _ONE_CLICK in body:
        return PlainTextResponse(visit.words.gettext("You are unsubscribed."))
    return _shown(request, "unsubscribed", visit, going=len(going), **_about(visit))


@router.api_route("/preferences/{token:path}", methods=_READ)
def preferences(request: Request, token: str, saved: str = "") -> Response:
    """Show what the customer gets, with a switch for each."""
    visit = _visit(request, PREFERENCES, token)
    if visit is None:
        return _gone(request)
    return _shown(
        request,
        "preferences",
        visit,
        cards=views.cards(visit.customer, visit.topics, visit.words),
        languages=LANGUAGES,
        address=views.masked(visit.customer, "email") or views.masked(visit.customer, "sms"),
        saved=saved,
    )


@router.post("/preferences/{token:path}")
def save_preferences(request: Request, token: str, body: Body) -> Response:
    """Take note of what the customer wants from now on."""
    visit = _visit(request, PREFERENCES, token)
    if visit is None:
        return _gone(request)
    form = parse_qs(body.decode("utf-8", "replace"))
    proof = visit.proof(request, "page")
    who, wakes = visit.customer.id, list[Wake]()
    if "everything" in form:
        _, wakes = consent.decline_everything(database(request), who, proof)
    else:
        changes = views.changes(form.get("shown", []), form.get("on", []))
        known = {named: state for named, state in changes.items() if named[0] in visit.topics}
        if known:
            links: Links = request.app.state.links
            _, wakes = consent.say(database(request), who, known, proof, links=links)
        language = form.get("language", [""])[0]
        if language in LANGUAGES and language != visit.words.language:
            consent.speak(database(request), who, language)
    _tell(request, wakes)
    return RedirectResponse(f"/preferences/{token}?saved=yes", 303)


@router.api_route("/c/{token:path}", methods=_READ)
def ask_to_confirm(request: Request, token: str) -> Response:
    """Show what would begin, with a button."""
    visit = _visit(request, CONFIRM, token)
    return _gone(request) if visit is None else _shown(request, "confirm", visit, **_about(visit))


@router.post("/c/{token:path}")
def confirm(request: Request, token: str) -> Response:
    """Confirm that the customer wants a topic."""
    visit = _visit(request, CONFIRM, token)
    if visit is None:
        return _gone(request)
    _, wakes = consent.confirm(
        database(request),
        visit.customer.id,
        visit.topic.id,
        visit.channel,
        visit.proof(request, "link"),
    )
    _tell(request, wakes)
    return RedirectResponse(f"/c/{token}", 303)
