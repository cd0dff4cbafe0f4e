"""What a call is made of, and what an answer to it means."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from activities.outward import Answered
from activities.rendering import TemplateError
from activities.webhook.answer import Again, judge
from activities.webhook.request import Request, SecretMissingError, request_of
from engine.flow.call import Outgoing, Result
from engine.model.journey import WebhookStep
from engine.settings import own_secrets

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
KEY = UUID(int=7)
VARIABLES: dict[str, Any] = {
    "customer": {"id": "42", "name": "Ada & Söhne/../x", "tags": ["a", "b"]},
    "event": {"total": 30, "callback": "https://shop.example/hook?x=1"},
    "steps": {"crm": {"outcome": "done", "points": 7}},
    "shop": {"name": "Shop"},
}


def made(secrets: Mapping[str, str] | None = None, **step: Any) -> Request:
    whole = {"id": "s", "type": "webhook", "url": "https://crm.example/", **step}
    outgoing = Outgoing(
        key=KEY, step=WebhookStep.model_validate(whole), visit=1, until=NOW, variables=VARIABLES
    )
    return request_of(outgoing, secrets or {})


def test_json_keeps_the_kind_of_a_lone_variable() -> None:
    body = {
        "total": "{{ event.total }}",
        "tags": ["{{ customer.tags }}"],
        "text": "You spent {{ event.total }}",
        "gone": "{{ event.none }}",
        "fixed": 1,
        "points": "{{steps.crm.points}}",
    }
    request = made(body=body)
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        "total": 30, "tags": [["a", "b"]], "text": "You spent 30", "gone": None, "fixed": 1,
        "points": 7,
    }  # fmt: skip


def test_a_text_is_sent_as_it_is() -> None:
    request = made(body="<p>{{ customer.name }}</p>", headers={"content-type": "text/html"})
    assert request.body.decode() == "<p>Ada & Söhne/../x</p>"
    assert request.headers["content-type"] == "text/html"
    assert "Content-Type" not in request.headers
    assert made().body == b""


def test_the_key_is_the_calls_own() -> None:
    assert made().headers["Idempotency-Key"] == str(KEY)


def test_a_value_in_the_address_cannot_lead_elsewhere() -> None:
    url = made(url="https://crm.example/{{ customer.name }}?id={{ customer.id }}").url
    assert url == "https://crm.example/Ada%20%26%20S%C3%B6hne%2F..%2Fx?id=42"


def test_an_address_may_come_whole_out_of_an_event() -> None:
    assert made(url="{{ event.callback }}").url == "https://shop.example/hook?x=1"
    assert made(url="{{ event.callback }}&n={{ customer.name | slice: 0, 6 }}").url.endswith(
        "x=1&n=Ada%20"
    )


def test_secrets_stand_in_headers_and_address_alone() -> None:
    request = made(
        {"CRM": "s3cret"},
        url="https://crm.example/?key={{ secret.CRM }}",
        headers={"Authorization": "Bearer {{ secret.CRM }}"},
        body={"a": "{{ secret.CRM }}", "b": "x{{ secret.CRM }}"},
    )
    assert request.url.endswith("?key=s3cret")
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert json.loads(request.body) == {"a": None, "b": "x"}
    assert "s3cret" not in repr(request)


def test_a_secret_that_is_not_set_is_named() -> None:
    with pytest.raises(SecretMissingError, match="PARCOURS_SECRET_CRM"):
        made(headers={"Authorization": "{{ secret.CRM }}"})


def test_what_signs_our_links_is_no_secret_for_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCOURS_SECRET_KEY", "never")
    monkeypatch.setenv("PARCOURS_SECRET_CRM", "s3cret")
    assert own_secrets() == {"CRM": "s3cret"}


def test_a_wrong_text_is_a_mistake_of_the_template() -> None:
    with pytest.raises(TemplateError):
        made(body={"a": "{{ customer.id | nonsense }} "})


def test_header_values_stay_on_one_line() -> None:
    assert made(headers={"X-Who": "a\n  {{ customer.id }}"}).headers["X-Who"] == "a 42"


def answer(status: int, body: Any = b"", **headers: str) -> Answered:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answered(status=status, headers=headers, body=content)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_done(status: int) -> None:
    assert judge(answer(status), {}, NOW) == Result(outcome="done", status=status)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_refused_for_good(status: int) -> None:
    assert judge(answer(status), {}, NOW) == Result(
        outcome="failed", status=status, reason="refused"
    )


def test_a_redirect_is_not_followed() -> None:
    assert judge(answer(301), {}, NOW) == Result(outcome="failed", status=301, reason="redirected")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_for_now(status: int) -> None:
    again = judge(answer(status), {}, NOW)
    assert isinstance(again, Again)
    assert again.given_up == Result(outcome="failed", status=status, reason="busy")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("Mon, 04 May 2026 10:01:00 GMT", 60), ("Mon, 04 May 2026 09:00:00 GMT", 0),
     ("999999", 3600), ("soon", None), ("-1", None)],
)  # fmt: skip
def test_when_to_come_again(header: str, seconds: float | None) -> None:
    again = judge(answer(429, **{"retry-after": header}), {}, NOW)
    assert isinstance(again, Again)
    assert again.retry_after == seconds


def test_declared_parts_are_kept() -> None:
    document = {"data": {"points": 7, "list": [{"a": "x"}], "none": None}, "NaN": float("nan")}
    keep = {
        "points": "data.points", "a": "data.list.0.a", "none": "data.none", "b": "data.list.1.a",
        "c": "data.points.x", "nan": "NaN",
    }  # fmt: skip
    assert judge(answer(200, document), keep, NOW) == Result(
        outcome="done", status=200, kept={"points": 7, "a": "x"}, missing=("none", "b", "c", "nan")
    )


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"a":"\\u0000"}', b'{"a":"\\ud800"}',
             b'{"a":"' + b"x" * 5000 + b'"}']
)  # fmt: skip
def test_an_answer_that_says_nothing_of_use_keeps_nothing(body: bytes) -> None:
    assert judge(answer(200, body), {"a": "a"}, NOW) == Result(
        outcome="done", status=200, missing=("a",)
    )
