"""What a walk's page says of any walk: choices, sentences and messages, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from designer.canvas.lately import Around
from designer.canvas.look import Shown
from designer.canvas.sentences import Sentences
from designer.walk import views
from designer.walk.asked import Asked, asked, presentable
from designer.walk.letters import Letters
from designer.walk.offers import happenings, offers, span
from designer.walk.scene import Scene, begin
from designer.words import Shop, Words
from engine.compile.compiler import compile as compile_journey
from engine.compile.known import Known
from engine.model.journey import Journey
from engine.model.template import Template
from engine.model.workspace import Workspace
from engine.run.state import Exit
from engine.run.walk import walk
from engine.run.walked import Choice
from engine.store.catalogue import Catalogue
from engine.store.drafts import Found, Names
from engine.store.edits import Neighbours
from engine.store.vocabulary import Vocabulary
from tests.journeys import JourneyMaker
from tests.unit.test_walk import RULES, choose, walker

NOW = datetime(2026, 5, 4, 10, 0, 30, tzinfo=UTC)
WORDS = Words("en", accepted="en-GB", shop=Shop(zone="Europe/Zurich"), now=NOW)
TOLD = {"here": "she is here", "passed": "she came by"}
HELLO = {"id": "hello", "name": "Hello", "channel": "email",
         "locales": {"en": {"subject": "Hi {{ customer.first_name }}",
                            "body": "{{ event.product }} for {{ customer.tier }}"}}}  # fmt: skip


def scene(journey: Journey) -> Scene:
    found = Found(id=journey.id, state="draft", draft={}, source=None, rev=1, version=None,
                  updated_at=NOW, live=None, hash=None, published_at=None, revision=1)  # fmt: skip
    shown = Shown(
        found, journey, Around(Names(), Known(), Vocabulary()), {}, [], False, Neighbours()
    )
    catalogue = Catalogue(
        revision=1, workspace=Workspace(), caps=(), segments=RULES, topics={}, snippets={}, live={},
        templates={"hello": Template.model_validate(HELLO)},
    )  # fmt: skip
    return Scene(shown, True, catalogue, compile_journey(journey))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_walk_can_be_shown(seed: int) -> None:
    rng = Random(seed)
    made, begins = walker(rng)
    place, choices = scene(made.journey), list[Choice]()
    for _ in range(8):
        walked = walk(made, replace(begins, anyway=True), choices)
        sentences = Sentences(WORDS, made.journey, Names())
        letters = Letters(place, WORDS, "nonce")
        story = views.Story(place, walked, sentences, letters)
        assert story.stands()
        assert all(one.told.text for one in story.sentences())
        can = offers(walked, made.journey, sentences)
        assert bool(can) == bool(walked.open)
        assert len({offer.key for offer in can}) == len(can)
        lit = views.lit(walked)
        ended = isinstance(walked.turns[-1].after.command, Exit)
        assert (lit.here is None) == ended
        assert lit.here is None or lit.mark(lit.here, TOLD) == ("here", "map-pin", "she is here")
        if not walked.open:
            break
        choices.append(choose(rng, rng.choice(walked.open)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_walk_comes_back_from_its_page_as_it_was(seed: int) -> None:
    rng = Random(seed)
    journey = JourneyMaker(rng, "j").journey()
    begun = begin(scene(journey), NOW)
    assert begun.at == NOW.replace(second=0) + timedelta(minutes=1)
    walked = walk(compile_journey(journey), replace(walker(rng)[1], anyway=True))
    chosen = tuple(choose(rng, opening) for opening in walked.open)
    carried = begun.model_copy(update={"choices": chosen})
    assert asked(carried.text()) == carried


def test_what_the_messages_speak_of_is_named() -> None:
    journey = Journey.model_validate({
        "id": "j", "name": "J", "topic": "news", "entry": {"on": {"event": "Go"}},
        "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "hello"}],
    })  # fmt: skip
    begun = begin(scene(journey), NOW)
    assert begun.made.traits == {"first_name": "Alex", "tier": None}
    assert begun.properties == {"product": None}


def test_a_form_gets_no_more_than_it_has_room_for() -> None:
    many = {f"p{n}": n for n in range(80)}
    assert list(presentable(many)) == list(many)[:50]
    assert presentable({"": 1, "x" * 300: 2, "long": "y" * 9_000, "short": "z"}) == {"short": "z"}
    full = Asked.model_validate(
        {"made": {"id": UUID(int=1), "traits": presentable(many)}, "at": NOW}
    )
    assert asked(full.text()) == full


def test_lengths_of_time_are_told_to_their_second_unit() -> None:
    for length, said in (
        (timedelta(days=2), "2 days"),
        (timedelta(days=1, hours=3, minutes=4), "1 day and 3 hours"),
        (timedelta(days=1, minutes=4), "1 day"),
        (timedelta(seconds=90), "1 minute and 30 seconds"),
        (timedelta(), "0 seconds"),
    ):
        assert span(length, WORDS) == said


def test_what_one_event_would_do_is_offered_once() -> None:
    journey = Journey.model_validate({
        "id": "j", "name": "J", "entry": {"on": {"event": "Go"}},
        "goal": {"event": "Order Completed", "within": "7d"},
        "exits": [{"on": {"event": "Order Completed"}, "reason": "bought"}],
        "steps": [{"id": "rest", "type": "wait", "for": "1d"}],
    })  # fmt: skip
    walked = walk(compile_journey(journey), walker(Random(1))[1])
    (several,) = happenings(walked)
    assert [can.role for can in several] == ["exit", "goal"]


def test_who_is_refused_is_told_why_with_what_was_seen() -> None:
    journey = Journey.model_validate({
        "id": "j", "name": "J", "steps": [{"id": "rest", "type": "wait", "for": "1d"}],
        "entry": {"on": {"event": "Go", "where": {"property": "value", "gte": 30}},
                  "if": {"trait": "tier", "eq": "gold"}},
    })  # fmt: skip
    _, begins = walker(Random(1))
    rich = replace(begins.customer, traits={"tier": "silver"})

    def said(**properties: int) -> tuple[str, str]:
        start = replace(begins, anyway=False, customer=rich, properties=properties)
        walked = walk(compile_journey(journey), start)
        sentences, place = Sentences(WORDS, journey, Names()), scene(journey)
        story = views.Story(place, walked, sentences, Letters(place, WORDS, "nonce"))
        refusal = story.refusal()
        assert refusal is not None
        assert story.stands() == "She does not enter"
        return refusal.why, refusal.seen

    assert said(value=20) == ("the event is not the one that opens it", "value is 20")
    assert said(value=40) == (
        "the entry's condition did not hold", "value is 40; tier is silver",
    )  # fmt: skip
