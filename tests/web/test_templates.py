"""The templates' pages, without a browser."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

from designer.content.trials import MOST, PER, Pace


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def _made(visitor: Any, channel: str = "email") -> str:
    page = visitor.get("/templates/new").text
    id_ = f"made-{uuid4().hex[:8]}"
    form = {
        "csrf": _hidden(page, "csrf"),
        "id": id_,
        "name": "Made",
        "channel": channel,
        "locale": "en",
    }
    answer = visitor.post("/templates/new", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/templates/{id_}")
    again = visitor.post("/templates/new", data=form)
    assert again.status_code == 409
    assert "There is such a template" in again.text
    return id_


def _form(visitor: Any, id_: str, **values: str) -> dict[str, str]:
    page = visitor.get(f"/templates/{id_}").text
    names = ("csrf", "rev", "locale", "nonce", "customer")
    return {**{name: _hidden(page, name) for name in names}, **values}


def test_a_template_is_saved_and_listed(visitor: Any) -> None:
    id_ = _made(visitor)
    form = _form(visitor, id_, name="Called so", subject="Hi", body="<p>\r\n{{ shop.name }}</p>")
    assert visitor.post(f"/templates/{id_}", data=form).status_code == 303
    page = visitor.get(f"/templates/{id_}?saved=yes").text
    assert "Called so" in page
    assert "The next message that is made from it uses this" in page
    assert "Called so" in visitor.get("/templates").text


def test_a_stale_save_is_refused_and_its_text_kept(visitor: Any) -> None:
    id_ = _made(visitor)
    first = _form(visitor, id_, name="A", body="first")
    second = {**first, "body": "second"}
    assert visitor.post(f"/templates/{id_}", data=first).status_code == 303
    answer = visitor.post(f"/templates/{id_}", data=second)
    assert answer.status_code == 409
    assert "somebody else changed this template" in answer.text
    assert ">second</textarea>" in answer.text


def test_a_mistake_is_told_at_its_field_with_its_line(visitor: Any) -> None:
    id_ = _made(visitor)
    form = _form(visitor, id_, name="A", subject="{{ a", body="a\n{% render 'none' %}")
    answer = visitor.post(f"/templates/{id_}", data=form)
    assert answer.status_code == 422
    assert re.search(r'id="subject-fault".*?Line 1.*?never closed', answer.text, re.DOTALL)
    assert re.search(r'id="body-fault".*?there is no snippet none', answer.text, re.DOTALL)


def test_a_language_is_added_like_the_one_that_is_shown(visitor: Any) -> None:
    id_ = _made(visitor)
    visitor.post(f"/templates/{id_}", data=_form(visitor, id_, name="A", body="Hello"))
    wrong = visitor.post(f"/templates/{id_}/locales", data=_form(visitor, id_, add="french"))
    assert wrong.status_code == 422
    assert "like fr or de-CH" in wrong.text
    good = visitor.post(f"/templates/{id_}/locales", data=_form(visitor, id_, add="fr"))
    assert good.headers["location"] == f"/templates/{id_}?locale=fr"
    assert ">Hello</textarea>" in visitor.get(good.headers["location"]).text


def test_a_preview_shows_what_is_missing_and_nothing_that_runs(visitor: Any) -> None:
    id_ = _made(visitor)
    body = "<style>p{}</style><script>alert(1)</script><p>{{ customer.none }}</p>"
    form = _form(visitor, id_, body=body)
    answer = visitor.post(f"/templates/{id_}/preview", data=form)
    assert answer.status_code == 200
    assert "<code>customer.none</code>" in answer.text
    assert 'sandbox=""' in answer.text
    shown = unescape(answer.text)
    assert f'<style nonce="{form["nonce"]}">' in shown
    assert "<script>" not in shown
    policy = visitor.get(f"/templates/{id_}").headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")


def test_an_sms_counts_its_segments(visitor: Any) -> None:
    id_ = _made(visitor, "sms")
    answer = visitor.post(f"/templates/{id_}/preview", data=_form(visitor, id_, body="é" * 161))
    assert "2 SMS" in answer.text
    assert "161 characters" in answer.text


def test_a_test_is_handed_over_at_once(visitor: Any) -> None:
    id_ = _made(visitor)
    form = _form(visitor, id_, body="Hello")
    answer = visitor.post(f"/templates/{id_}/test", data={**form, "to": "nobody"})
    assert "Write an address like" in answer.text
    answer = visitor.post(f"/templates/{id_}/test", data={**form, "to": "a@b.example"})
    assert "Nothing was delivered" in answer.text
    answer = visitor.post(
        f"/templates/{id_}/test", data={**form, "body": "{%", "to": "a@b.example"}
    )
    assert "put right" in answer.text


def test_tests_are_few() -> None:
    pace = Pace()
    assert all(pace.admits(float(n)) for n in range(MOST))
    assert not pace.admits(MOST + 1.0)
    assert pace.admits(PER.total_seconds() + 0.5)
