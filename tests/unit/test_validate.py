"""What publishing refuses and warns of, each with a sentence and the step's id."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from engine.compile.validate import Known, check, errors
from engine.model.activity import ActivityType
from engine.model.journey import Journey, SendStep, Window
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template
from tests.journeys import SEGMENTS, journeys

BYE = {"id": "bye", "type": "exit"}
MAIL = {"id": "mail", "type": "send", "channel": "email", "template": "letter"}
GOLD = {"trait": "tier", "eq": "gold"}


def template(id: str, channel: str, body: str = "hello", **more: Any) -> Template:
    content = {"body": body, **more}
    return Template.model_validate(
        {"id": id, "name": id, "channel": channel, "locales": {"en": content}}
    )


def known(*templates: Template, **segments: Any) -> Known:
    every = [template("letter", "email"), template("short", "sms"), *templates]
    return Known(
        templates={one.id: one for one in every},
        segments={
            id: Segment.model_validate({"id": id, "name": id, "rule": rule})
            for id, rule in segments.items()
        },
    )


def journey(*steps: dict[str, Any], **more: Any) -> Journey:
    document = {"id": "j", "name": "j", "entry": {"on": {"event": "Go"}}, "topic": "offers"}
    return Journey.model_validate({**document, "steps": list(steps), **more})


def said(one: Journey, shop: Known | None = None) -> list[tuple[str, str | None, str]]:
    return [(p.severity, p.step, p.message) for p in check(one, shop or known())]


def only_error(one: Journey, step: str | None, *words: str, shop: Known | None = None) -> None:
    found = said(one, shop)
    assert [(severity, at) for severity, at, _ in found] == [("error", step)], found
    assert all(word in found[0][2] for word in words), found[0][2]


def only_warning(one: Journey, step: str | None, *words: str, shop: Known | None = None) -> None:
    found = said(one, shop)
    assert [(severity, at) for severity, at, _ in found] == [("warning", step)], found
    assert all(word in found[0][2] for word in words), found[0][2]


def send(**changes: Any) -> dict[str, Any]:
    return {**MAIL, **changes}


def await_(on: dict[str, Any], id: str = "w", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "wait_for", "timeout": "1h", "events": [{"on": on}], **more}


def branch(condition: dict[str, Any], then: Any = (), id: str = "b", **more: Any) -> dict[str, Any]:
    arms = [{"id": "yes", "if": condition, "then": list(then)}]
    return {"id": id, "type": "branch", "arms": arms, **more}


def split(*weights: int, id: str = "s") -> dict[str, Any]:
    arms = [{"id": f"a{n}", "weight": weight} for n, weight in enumerate(weights)]
    return {"id": id, "type": "split", "arms": arms}


def test_a_sound_journey_gives_nothing_to_say() -> None:
    assert said(journey(MAIL, await_({"event": "Message Opened", "message": "mail"}), BYE)) == []


@pytest.mark.parametrize("one", journeys(11, 60), ids=lambda one: str(one.id))
def test_random_journeys_have_no_errors(one: Journey) -> None:
    shop = known(template("hello", "email"), **SEGMENTS)
    assert errors(check(one, shop)) == []


def test_a_journey_has_steps() -> None:
    only_error(journey(), None, "no steps")


def test_ids_are_given_once() -> None:
    only_error(journey(MAIL, branch(GOLD, [send()])), "mail", "2 steps", "mail")
    arms = [{"id": "a", "if": GOLD}, {"id": "a", "if": GOLD}]
    only_error(journey({"id": "b", "type": "branch", "arms": arms}), "b", "2 of its arms")
    variants = [{"id": "v", "weight": 50}, {"id": "v", "weight": 50}]
    only_error(journey(send(variants=variants)), "mail", "have the id v")


def test_no_arm_is_called_else() -> None:
    arms = [{"id": "else", "if": GOLD}]
    only_error(journey({"id": "b", "type": "branch", "arms": arms}), "b", "else")


@pytest.mark.parametrize("weights", [(50, 49), (50, 51), (0, 0)])
def test_shares_sum_to_100(weights: tuple[int, int]) -> None:
    only_error(journey(split(*weights)), "s", f"add up to {sum(weights)}, not 100")
    variants = [{"id": f"v{n}", "weight": weight} for n, weight in enumerate(weights)]
    only_error(journey(send(variants=variants)), "mail", f"add up to {sum(weights)}, not 100")
    assert said(journey(split(100, 0))) == []


def test_a_marketing_message_has_a_topic() -> None:
    only_error(journey(MAIL, topic=None), "mail", "topic")
    assert said(journey(send(topic="news"), topic=None)) == []
    assert said(journey(send(**{"class": "transactional"}), topic=None)) == []


def test_templates_exist() -> None:
    only_error(journey(send(template="gone")), "mail", "no template gone")
    variants = [{"id": "a", "weight": 100, "set": {"template": "gone"}}]
    only_error(journey(send(variants=variants)), "mail", "no template gone")


def test_a_template_that_every_variant_replaces_need_not_exist() -> None:
    variants = [{"id": "a", "weight": 100, "set": {"template": "letter"}}]
    assert said(journey(send(template="gone", variants=variants))) == []


def test_a_template_is_made_for_its_channel() -> None:
    only_error(journey(send(channel="sms")), "mail", "made for email", "sends sms")
    only_error(journey(send(template="short")), "mail", "made for sms", "sends email")
    assert said(journey(send(channel=["push", "sms"], template="short"))) == []
    assert said(journey(send(channel="push", template="short"))) == []
    only_warning(journey(send(channel=["email", "sms"])), "mail", "letter", "sms")
    variants = [{"id": "a", "weight": 100, "set": {"channel": "sms", "template": "short"}}]
    assert said(journey(send(variants=variants))) == []


def test_a_channel_is_listed_once() -> None:
    only_error(journey(send(channel=["email", "email"])), "mail", "email", "2 times")


@pytest.mark.parametrize(
    ("set_", "words"),
    [
        ({"channel": "fax"}, "unknown channel fax"),
        ({"channel": ["email"]}, "unknown channel"),
        ({"template": 5}, "template"),
        ({"subject": ["a"]}, "subject"),
        ({"customer": "x"}, "cannot set customer"),
        ({"at": "tomorrow"}, "best_hour"),
        ({"at": {"window": "9-20"}}, "09:00-20:00"),
        ({"at": {"window": "09:00-09:00"}}, "closes when it opens, at 09:00"),
    ],
)
def test_a_variant_sets_what_can_be_set(set_: dict[str, Any], words: str) -> None:
    variants = [{"id": "a", "weight": 100, "set": set_}]
    only_error(journey(send(variants=variants)), "mail", words, "version a")


@pytest.mark.parametrize("at", ["now", "best_hour", {"window": "20:00-06:00"}])
def test_a_message_goes_out_now_in_a_window_or_at_her_best_hour(at: Any) -> None:
    variants = [{"id": "a", "weight": 50, "set": {"at": at}}, {"id": "b", "weight": 50}]
    for one in (journey(send(at=at)), journey(send(at=at, **{"class": "transactional"})),
                journey(send(variants=variants))):  # fmt: skip
        assert said(one) == []
    step = journey(send(variants=variants)).steps[0]
    assert isinstance(step, SendStep)
    given, without = (step.moment(variant) for variant in step.variants)
    assert (given.document() if isinstance(given, Window) else given) == at
    assert without == step.moment(None) == "now"


def test_a_window_has_some_time_in_it() -> None:
    only_error(journey(send(at={"window": "09:00-09:00"})), "mail", "at 09:00", "leave `at` out")


def test_a_template_that_cannot_be_read() -> None:
    broken = template("broken", "email", "{% if x %}")
    only_error(
        journey(send(template="broken")), "mail", "broken", "cannot be read", shop=known(broken)
    )
    deep = template("deep", "email", "{% if x %}" * 2000)
    only_error(journey(send(template="deep")), "mail", "cannot be read", shop=known(deep))


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (
            "{{ customer.first_name }} {{ event.a.b }} {{ steps.mail.outcome }} {{ shop.name }}",
            None,
        ),
        ("{{ discount }}", "discount"),
        ("{{ shop.phone }}", "shop.phone"),
        ("{{ steps.later.outcome }}", "steps.later"),
        ("{% if discount %}{{ discount }}{% endif %}", None),
        ("{{ discount | default: 5 }}", None),
        ("{% for item in event.items %}{{ item.name }}{{ forloop.index }}{% endfor %}", None),
        ("{% assign x = 1 %}{{ x }}{{ customer[x] }}", None),
        ("{% for item in gone %}{{ item }}{% endfor %}", "gone"),
    ],
)
def test_a_variable_that_nothing_fills_is_warned_of(body: str, missing: str | None) -> None:
    shop = known(template("t", "email", body))
    one = journey(MAIL, send(id="second", template="t"))
    if missing is None:
        assert said(one, shop) == []
    else:
        only_warning(one, "second", f"uses {missing}", shop=shop)


def test_a_variant_fills_the_variables_that_it_sets() -> None:
    shop = known(template("t", "email", "{{ discount }}", subject="{{ word }}"))
    variants = [{"id": "a", "weight": 50, "set": {"discount": 5, "word": "x"}},
                {"id": "b", "weight": 50, "set": {"subject": "{{ other }}"}}]  # fmt: skip
    only_warning(journey(send(template="t", variants=variants)), "mail", "uses other", shop=shop)


def test_what_is_awaited_or_asked_was_sent_before() -> None:
    on = {"event": "Message Opened", "message": "mail"}
    only_error(journey(await_(on), MAIL), "w", "mail", "no step before")
    only_error(journey(await_({"event": "Message Opened"}), MAIL), "w", "no message is sent before")
    assert said(journey(MAIL, await_({"event": "Message Clicked"}))) == []
    waits = {"id": "mail", "type": "wait", "for": "1h"}
    only_error(journey(waits, await_(on)), "w", "sends none")
    only_error(journey(branch(on)), "b", "mail", "no step before")
    only_warning(
        journey(MAIL, await_({"event": "Order", "message": "mail"})), "w", "Message Opened"
    )


def test_a_step_of_another_way_is_no_step_before() -> None:
    on = {"event": "Message Opened", "message": "mail"}
    one = {**branch(GOLD, [MAIL]), "else": [await_(on)]}
    only_error(journey(one), "w", "no step before")
    assert said(journey(branch(GOLD, [MAIL]), await_(on))) == []  # but it may have been
    assert said(journey(MAIL, branch(GOLD, [await_(on)]))) == []


def test_since_names_a_step_before() -> None:
    order = {"event": "Order"}
    only_error(journey(await_(order, since="mail"), MAIL), "w", "since", "mail")
    only_error(journey(await_(order, since="w")), "w", "since")
    assert said(journey(MAIL, await_(order, since="mail"))) == []
    inner = await_(order, id="inner", since="w")
    outer = {**await_(order), "else": [inner]}
    assert said(journey(outer)) == []


@pytest.mark.parametrize(
    ("step", "outcome", "sound"),
    [
        ("mail", "sent", True), ("mail", "skipped", True), ("mail", "opened", False),
        ("rest", "waited", True), ("rest", "sent", False),
        ("w", "timed_out", True), ("w", "received", True), ("w", "event-0", False),
        ("s", "a1", True), ("s", "a2", False), ("s", "else", False),
        ("b", "yes", True), ("b", "else", True), ("b", "no", False),
    ],
)  # fmt: skip
def test_a_step_is_asked_what_can_become_of_it(step: str, outcome: str, sound: bool) -> None:
    steps = [MAIL, {"id": "rest", "type": "wait", "for": "1h"}, await_({"event": "Order"}),
             split(50, 50), branch(GOLD)]  # fmt: skip
    one = journey(*steps, branch({"step": step, "is": outcome}, id="asks"))
    if sound:
        assert said(one) == []
    else:
        only_error(one, "asks", f"{step} is never {outcome}")


def test_a_step_is_asked_about_after_it() -> None:
    only_error(journey(branch({"step": "mail", "is": "sent"}), MAIL), "b", "mail", "no step before")
    entry = {"on": {"event": "Go"}, "if": {"not": {"step": "mail", "is": "sent"}}}
    only_error(journey(MAIL, entry=entry), None, "entry", "mail")
    exits = [{"on": {"event": "X", "where": {"step": "mail", "is": "sent"}}}]
    assert said(journey(MAIL, exits=exits)) == []


def test_segments_exist() -> None:
    one = journey(MAIL, branch({"all": [{"segment": "vip"}, {"not": {"segment": "vip"}}]}))
    only_error(one, "b", "no segment vip")
    assert said(one, known(vip=GOLD)) == []
    only_error(one, "b", "no segment gone", shop=known(vip={"any": [GOLD, {"segment": "gone"}]}))
    entry = {"on": {"event": "Go", "where": {"segment": "vip"}}}
    only_error(journey(MAIL, entry=entry), None, "vip")
    goal = {"event": "X", "within": "1d", "where": {"segment": "vip"}}
    only_error(journey(MAIL, goal=goal), None, "vip")


def test_a_segment_cycle_is_shown() -> None:
    shop = known(
        a={"segment": "b"}, b={"not": {"any": [GOLD, {"segment": "c"}]}}, c={"segment": "b"}
    )
    only_error(journey(MAIL, branch({"segment": "a"})), "b", "b → c → b", shop=shop)


def test_segments_that_use_each_other_often_are_no_cycle_and_take_no_time() -> None:
    names = [f"s{n}" for n in range(60)]
    rules = {a: {"all": [{"segment": b}, {"segment": b}]} for a, b in pairwise(names)}
    assert said(journey(MAIL, branch({"segment": "s0"})), known(**rules, s59=GOLD)) == []


def test_a_holdout_needs_a_goal() -> None:
    only_error(journey(MAIL, holdout="5%"), None, "goal")
    assert said(journey(MAIL, holdout="5%", goal={"event": "X", "within": "1d"})) == []


def test_nothing_stands_behind_an_end() -> None:
    only_error(journey(BYE, MAIL), "mail", "bye", "always ends")
    ways = {**branch(GOLD, [BYE]), "else": [{**BYE, "id": "too"}]}
    only_error(journey(ways, MAIL), "mail", "b before it")
    assert said(journey(branch(GOLD, [BYE]), MAIL)) == []


def test_what_is_odd_in_an_entry_is_warned_of() -> None:
    entry = {"on": {"api": True}, "reentry": {"mode": "per_key", "key": "n"}}
    only_warning(journey(MAIL, entry=entry), None, "key")
    entry = {"on": {"event": "Go"}, "reentry": {"mode": "once", "cooldown": "1d"}}
    only_warning(journey(MAIL, entry=entry), None, "cooldown")


def test_errors_come_first_and_once() -> None:
    found = check(
        journey(send(channel=["email", "sms"]), branch({"segment": "x"}), BYE, MAIL), known()
    )
    assert [p.severity for p in found] == sorted(p.severity for p in found)
    assert len(set(found)) == len(found)
    assert errors(found) == [p for p in found if p.severity == "error"]


def call(**changes: Any) -> dict[str, Any]:
    return {"id": "crm", "type": "webhook", "url": "https://crm.example.com/", **changes}


def test_a_call_that_can_be_made_is_fine() -> None:
    whole = call(
        url="https://crm.example.com/{{ customer.id }}?key={{ secret.CRM }}",
        headers={"Authorization": "Bearer {{ secret.CRM }}"},
        body={"total": "{{ event.total }}", "list": ["{{ steps.mail.outcome }}", 1]},
        keep={"points": "data.items.0.points"},
    )
    assert said(journey(MAIL, whole, send(id="then", subject="{{ steps.crm.points }}"))) == []
    assert said(journey(call(url="{{ event.callback }}/done"))) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "crm.example.com"}, ("https://",)),
        ({"url": "ftp://crm.example.com"}, ("https://",)),
        ({"url": "https://x/{{ customer.id"}, ("address", "read")),
        ({"headers": {"Host": "x"}}, ("Host",)),
        ({"headers": {"idempotency-key": "x"}}, ("idempotency-key",)),
        ({"body": {"a": ["{{ secret.CRM }}"]}}, ("body", "secret")),
        ({"body": "{% for %}"}, ("body", "read")),
    ],
)
def test_a_call_that_cannot_be_made(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    only_error(journey(call(**changes)), "crm", *words)


def test_a_call_with_variables_that_nothing_fills() -> None:
    only_warning(journey(call(body={"a": "{{ discount }}"})), "crm", "body", "discount")
    only_warning(journey(call(url="https://x/{{ steps.later.outcome }}")), "crm", "steps.later")


def test_what_becomes_of_a_call_can_be_asked() -> None:
    ask = {"id": "b", "type": "branch", "arms": [{"id": "ok", "if": {"step": "crm", "is": "done"}}]}
    assert said(journey(call(), ask)) == []
    wrong = {**ask, "arms": [{"id": "ok", "if": {"step": "crm", "is": "sent"}}]}
    only_error(journey(call(), wrong), "b", "done, failed")


def test_what_went_wrong_may_end_the_journey_without_cutting_off_the_rest() -> None:
    assert said(journey(call(on_error=[BYE]), MAIL)) == []
    only_error(journey(call(on_error=[send(template="none")])), "mail", "none")


@pytest.mark.parametrize(
    "changes",
    [{"keep": {"outcome": "a"}}, {"keep": {"a b": "a"}}, {"keep": {"a": "a..b"}}, {"timeout": "2m"},
     {"timeout": "0s"}, {"method": "BREW"}, {"headers": {"a b": "c"}}, {"url": ""}],
)  # fmt: skip
def test_a_call_that_cannot_be_read(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"crm|webhook"):
        journey(call(**changes))


def sms(body: str, **more: Any) -> list[tuple[str, str | None, str]]:
    shop = replace(known(template("note", "sms", body)), **more)
    return said(journey(send(channel="sms", template="note")), shop)


def snippet(**locales: str) -> Snippet:
    return Snippet(id="shared", name="Shared", locales=locales)


def test_a_snippet_that_is_not_there_is_an_error_and_its_own_variables_count() -> None:
    body = "{% render 'shared', url: customer.url %}"
    [(severity, _, message)] = sms(body)
    assert severity == "error"
    assert "snippet shared" in message
    assert sms(body, snippets={"shared": snippet(en="{{ url }}")}) == []
    [(severity, _, message)] = sms(body, snippets={"shared": snippet(en="{{ other }}")})
    assert (severity, "uses other" in message) == ("warning", True)


@pytest.mark.parametrize(
    ("body", "shared", "words"),
    [
        ("{% render 'shared' %}", "{% render 'shared' %}", "uses itself"),
        ("{% render 'shared' %}", "a\n{% if %}", "in the snippet shared, line 2"),
        ("{% include customer.piece %}", "", "in quotes"),
        ("a\n{{ b", "", "line 2: what {{ opens is never closed"),
        ("a\n\n{% nothing %}", "", "line 3"),
    ],
)
def test_a_text_that_cannot_be_read_is_told_with_its_line(
    body: str, shared: str, words: str
) -> None:
    [(severity, _, message)] = sms(body, snippets={"shared": snippet(en=shared)})
    assert severity == "error"
    assert words in message


def test_a_coupon_pool_must_exist_and_should_not_run_dry() -> None:
    body = "{{ coupon.spring }}"
    [(severity, _, message)] = sms(body)
    assert (severity, "coupon pool spring" in message) == ("error", True)
    [(severity, _, message)] = sms(body, pools={"spring": 12})
    assert (severity, "12 codes left" in message) == ("warning", True)
    assert sms(body, pools={"spring": None}) == sms(body, pools={"spring": 5000}) == []


WAIT = {"id": "pause", "type": "wait", "for": "1h"}


def repeat(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "loop", "type": "repeat", "times": 3, "steps": list(steps), **more}


def wait(**how: Any) -> dict[str, Any]:
    return {"id": "pause", "type": "wait", **how}


@pytest.mark.parametrize(
    "steps",
    [
        [WAIT, MAIL], [MAIL, wait(until={"time": "10:00"})], [await_({"event": "Go"})],
        [MAIL, await_({"event": "Message Opened", "message": "mail"}, since="mail")],
        [branch(GOLD, [WAIT], **{"else": [{**WAIT, "id": "other"}]})],
        [branch(GOLD, [BYE], **{"else": [WAIT]})],
        [{**repeat(WAIT), "id": "inner"}],
        [await_({"event": "Go"}, timeout="0s", events=[{"on": {"event": "Go"}, "then": [WAIT]}],
                **{"else": [{**WAIT, "id": "other"}]})],
    ],
)  # fmt: skip
def test_a_repeat_takes_time(steps: list[dict[str, Any]]) -> None:
    assert said(journey(repeat(*steps))) == []


@pytest.mark.parametrize(
    "steps",
    [
        [MAIL], [wait(**{"for": "0s"})], [branch(GOLD, [WAIT])], [{**repeat(MAIL, WAIT, until=GOLD), "id": "inner"}],
        [wait(until={"trait": "birth_date", "yearly": True})], [wait(until={"property": "due"})],
        [await_({"event": "Go"}, since="before")], [await_({"event": "Go"}, timeout="0s")],
        [{"id": "up", "type": "update", "set": {"a": 1}}],
        [{"id": "call", "type": "webhook", "url": "https://a.example", "on_error": [WAIT]}],
    ],
)  # fmt: skip
def test_a_repeat_without_a_pause_on_every_way_is_refused(steps: list[dict[str, Any]]) -> None:
    before = {"id": "before", "type": "wait", "for": "1h"}
    only_error(journey(before, repeat(*steps)), "loop", "put a wait into it")


def test_what_ends_a_repeat_may_ask_about_its_own_steps() -> None:
    assert said(journey(repeat(MAIL, WAIT, until={"step": "mail", "is": "sent"}))) == []
    opened = {"event": "Message Opened", "message": "mail"}
    assert said(journey(repeat(MAIL, WAIT, until=opened), branch(opened))) == []
    only_error(
        journey(repeat(WAIT, until={"step": "b", "is": "yes"}), branch(GOLD)),
        "loop",
        "no step before",
    )
    only_error(journey(repeat(WAIT), branch({"step": "loop", "is": "sent"})), "b", "done, stopped")


def test_nothing_gets_past_a_repeat_that_always_ends_the_journey() -> None:
    only_error(journey(repeat(WAIT, BYE), MAIL), "mail", "the step loop before it always ends")
    assert said(journey(repeat(WAIT, BYE, until=GOLD), MAIL)) == []


def enter(journey: str, id: str = "go") -> dict[str, Any]:
    return {"id": id, "type": "enter", "journey": journey}


def others(*some: Journey, unpublished: tuple[str, ...] = ()) -> Known:
    return replace(known(), journeys={one.id: one for one in some}, unpublished=unpublished)


def test_the_journey_that_is_started_has_to_exist() -> None:
    only_error(journey(enter("x")), "go", "there is no journey x")
    there = journey(WAIT, id="x")
    assert said(journey(enter("x")), others(there)) == []
    only_warning(journey(enter("x")), "go", "x is a draft", shop=others(there, unpublished=("x",)))


def test_a_journey_does_not_enter_itself_at_once() -> None:
    only_error(journey(MAIL, enter("j")), "go", "enters itself without a pause: j → j")
    for pause in (WAIT, wait(until={"time": "10:00"}), await_({"event": "Go"})):
        assert said(journey(pause, enter("j"))) == []
    for none in (wait(**{"for": "0s"}), wait(until={"property": "due"}), branch(GOLD, [WAIT])):
        only_error(journey(none, enter("j")), "go", "without a pause")
    only_error(journey(branch(GOLD, [enter("j")])), "go", "without a pause")
    assert said(journey(branch(GOLD, [BYE], **{"else": [WAIT]}), enter("j"))) == []


@pytest.mark.parametrize(
    ("reentry", "refused"),
    [
        ({"mode": "once"}, False), ({"mode": "after_exit", "cooldown": "1d"}, False),
        ({"mode": "after_exit", "cooldown": "0s"}, True), ({"mode": "per_key", "key": "n"}, False),
        ({"mode": "per_key", "key": "n", "cooldown": "0s"}, True),
    ],
)  # fmt: skip
def test_who_cannot_come_back_at_once_is_in_no_circle(
    reentry: dict[str, Any], refused: bool
) -> None:
    one = journey(enter("j"), entry={"on": {"event": "Go"}, "reentry": reentry})
    assert bool(said(one)) is refused


def test_a_circle_by_way_of_other_journeys_is_found() -> None:
    one = journey(enter("x"))
    back, on = journey(enter("j"), id="y"), journey(MAIL, enter("y"), id="x")
    only_error(one, "go", "j → x → y → j", shop=others(on, back))
    assert said(one, others(journey(WAIT, enter("y"), id="x"), back)) == []
    # A circle of others is theirs to mend.
    assert said(one, others(on, journey(enter("x"), id="y"))) == []


POINTS = ActivityType.model_validate(
    {
        "name": "add_points", "title": "Add points",
        "parameters": {
            "type": "object", "required": ["points"], "additionalProperties": False,
            "properties": {"points": {"type": "integer", "minimum": 1}, "note": {"type": "string"}},
        },
        "result": {"type": "object", "properties": {"balance": {"type": "integer"}}},
    }
)  # fmt: skip
LOYAL = replace(known(), activities={"add_points": POINTS})


def have_done(**changes: Any) -> dict[str, Any]:
    step = {"id": "points", "type": "activity", "activity": "add_points"}
    return {**step, "parameters": {"points": 10}, **changes}


def test_an_activity_that_can_be_done_is_fine() -> None:
    rich = {"result": {"step": "points", "name": "balance"}, "gte": 100}
    assert said(journey(have_done(), branch(rich)), LOYAL) == []
    later = have_done(parameters={"points": "{{ event.total }}", "note": "{{ customer.tier }}"})
    assert said(journey(later), LOYAL) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"activity": "add_pints"}, ("no activity add_pints", "start a worker")),
        ({"parameters": {}}, ("points: is needed",)),
        ({"parameters": {"points": 0}}, ("points: at least 1",)),
        ({"parameters": {"points": 1, "pints": 1}}, ("pints: is not known here",)),
        ({"parameters": {"points": 1, "note": "{{ a"}}, ("cannot be read", "never closed")),
        ({"parameters": {"points": 1, "note": "{{ secret.CRM | upcase }}"}}, ("uses a secret",)),
    ],
)
def test_an_activity_that_cannot_be_done(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    only_error(journey(have_done(**changes)), "points", *words, shop=LOYAL)


def test_an_activity_of_which_nobody_told_for_long_is_a_warning() -> None:
    shop = replace(LOYAL, silent={"add_points"})
    only_warning(journey(have_done()), "points", "no worker", "add_points", shop=shop)


def test_a_condition_asks_for_what_a_step_before_it_keeps() -> None:
    def asks(step: str, name: str) -> dict[str, Any]:
        return branch({"result": {"step": step, "name": name}, "gte": 1})

    keeps = call(keep={"points": "data.points"})
    assert said(journey(keeps, asks("crm", "points.total")), LOYAL) == []
    only_error(journey(keeps, asks("crm", "balance")), "b", "no balance", "only: points")
    only_error(journey(asks("points", "balance"), have_done()), "b", "no step before", shop=LOYAL)
    only_error(journey(have_done(), asks("points", "x")), "b", "only: balance", shop=LOYAL)
    only_error(journey(MAIL, asks("mail", "x")), "b", "keeps nothing", "no x")
    entry = {"on": {"event": "Go"}, "if": {"result": {"step": "points", "name": "x"}, "eq": 1}}
    only_error(journey(have_done(), entry=entry), None, "it comes later", shop=LOYAL)
