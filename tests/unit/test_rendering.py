"""What becomes of templates: text that can be stored and sent, or a reason without names."""

from typing import Any

import pytest

from activities.rendering import TemplateError, plain, render
from engine.model.template import Content

ADA = "Ada Lovelace, ada@example.com"


def body_of(body: str, channel: Any = "email", **variables: Any) -> str:
    return render(Content(body=body), channel, variables).body


def test_values_are_escaped_in_html_alone() -> None:
    assert body_of("<p>{{ x }}</p>", x="<b>") == "<p>&lt;b&gt;</p>"
    assert body_of("{{ x }}", x="<b>") == "<b>"


@pytest.mark.parametrize(("decode", "x"), [("url_decode", "a%00b"), ("base64_decode", "YQBi")])
def test_what_no_database_keeps_is_left_out(decode: str, x: str) -> None:
    source = f"{{{{ x | {decode} }}}}"
    text = render(Content(subject=source + "\x01", body=source), "email", {"x": x})
    assert (text.subject, text.body) == ("ab", "ab")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<![x[ foo ]]>b</p>", "ab"),
        ("<p>a<!--[if mso]><b>c</b><![endif]-->b</p>", "ab"),
        ("<![if !mso]><p>a</p><![endif]>", "a"),
        ("<p>a</p><![", "a"),
        ('<p>See <a href="https://shop.example">us</a></p><style>p{}</style>',
         "See us (https://shop.example)"),
    ],
)  # fmt: skip
def test_the_text_of_any_html(html: str, text: str) -> None:
    assert plain(html) == text
    assert render(Content(body=html), "email", {}).text == text


@pytest.mark.parametrize(
    "body",
    [
        "{{ x | slice: x }}",
        "{{ 1 | divided_by: x }}",
        "{{ x | sort: x | map: x | sum: x }}{{ 'a' | base64_decode }}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{{ x }}{% endfor %}{% endfor %}",
        "{{ x | url_decode | base64_decode }}",
        "<mjml><mj-body><{{ x | remove: ' ' | safe }} /></mj-body></mjml>",
        "<mjml>{{ x }}",
        "{% if %}",
        "{{ x | nothing }}",
    ],
)
def test_a_reason_names_no_customer(body: str) -> None:
    with pytest.raises(TemplateError) as told:
        body_of(body, x=ADA)
    chain: BaseException | None = told.value
    while chain is not None:
        assert "ada" not in str(chain).lower(), "reasons are logged"
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


def test_a_mistake_in_the_template_itself_is_told() -> None:
    with pytest.raises(TemplateError, match="nothing"):
        body_of("{{ x | nothing }}", x=ADA)
    with pytest.raises(TemplateError, match="position"):
        body_of("<mjml>{{ x }}", x=ADA)
