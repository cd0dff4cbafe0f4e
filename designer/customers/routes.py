"""The list of customers, and one customer's page."""

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.canvas.sentences import Sentences
from designer.catalogue.views import customer_orders
from designer.customers import happenings, known, views
from designer.customers.sections import sections
from designer.duplicates.routes import of_customer
from designer.login.permits import READ_CUSTOMERS
from designer.messages.views import Ledger
from designer.pages import database, pages
from engine.flow.prepare import customer_of
from engine.store import definitions, ledger, populations, search, versions
from engine.store.catalogue import current
from engine.store.drafts import names
from engine.store.timeline import runs, timeline, told, trace

router = APIRouter(dependencies=[READ_CUSTOMERS])

_PAGE = 50


@router.get("/customers")
def customers(request: Request, q: str = "", cursor: str = "") -> Response:
    """List customers, newest first, or those that a search finds."""
    with database(request).read() as connection:
        found = search.customers(connection, q, limit=_PAGE, cursor=cursor or None)
    words = pages(request).words(request)
    return pages(request).render(
        request,
        "customers/list.html",
        words=words,
        rows=views.rows(found.items, words),
        next=found.next,
        q=q,
        cursor=cursor,
    )


@router.get("/customers/{reference}")
def customer(request: Request, reference: str, before: str = "", run: str = "") -> Response:
    """Show everything that is known of a customer; `before` pages her timeline, `run` is open."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        id_ = search.find(connection, reference)
        if reference != str(id_):
            return RedirectResponse(f"/customers/{id_}", 303)
        found = search.customer(connection, id_)
        her_runs = runs(connection, id_)[:100]
        traced = trace(connection, id_).items
        events = timeline(connection, id_, limit=_PAGE, cursor=before or None)
        sent = ledger.messages(connection, customer=id_, limit=_PAGE, whole=False)
        suppressed = customer_of(connection, id_, current(database(request), connection)).suppressed
        duplicates = of_customer(request, connection, id_, words)
        passed = [(one["journey"], one["version"]) for one in (*her_runs, *sent.items)]
        journeys = versions.versions(connection, passed)
        called = names(connection)
        journey_names = versions.journey_names(connection)
        bought = customer_orders(connection, id_, words)
        belongs = populations.of_customer(connection, id_)
        traits_told = told(connection, id_)
        computed, scored = definitions.traits(connection), definitions.scores(connection)
    traces: dict[str, list[dict[str, object]]] = {}
    for entry in traced:
        traces.setdefault(entry["run"] or "", []).append(entry)
    traits = known.traits(found, traits_told, computed, words)
    scores = known.scores(found, scored, Sentences(words).duration, words)
    counts = {
        "segments": len(belongs),
        "traits": traits.count,
        "scores": len(scores),
        "runs": len(her_runs),
    }
    return pages(request).render(
        request,
        "customers/customer.html",
        words=words,
        sections=sections(counts, words),
        profile=views.profile(found, words),
        belongs=belongs,
        bought=bought,
        traits=traits,
        scores=scores,
        runs=views.runs(her_runs, traces, journeys, called, words),
        refusals=views.refusals(traced, journey_names, words),
        subscriptions=views.subscriptions(found, called, words),
        consents=views.consents(found, called, words),
        suppressed=views.suppressed(suppressed, words),
        messages=Ledger(words, called, journey_names, datetime.now(UTC)).rows(
            sent.items, {found["id"]: found}, journeys
        ),
        more_messages=sent.next is not None,
        days=happenings.days(events.items, words),
        next=events.next,
        before=before,
        opened=run,
        duplicates=duplicates,
    )
