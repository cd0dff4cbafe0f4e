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


def test_an_unknown_variable_is_empty_and_told_once() -> None:
    body = "{{ a.b }}{{ a.b | upcase }}{{ c }}{% for x in event.items %}{% endfor %}{{ known }}"
    text = render(Content(body=body, subject="{{ d }}"), "sms", {"known": None, "event": {}})
    assert (text.body, text.subject) == ("", "")
    assert text.missing == ("d", "a.b", "c", "event.items")


def test_what_a_template_asks_for_before_it_uses_it_is_not_told() -> None:
    body = "{% if a %}{{ a }}{% endif %}{{ b | default: 'x' }}{% unless c.d == 1 %}y{% endunless %}"
    text = render(Content(body=body), "sms", {})
    assert (text.body, text.missing) == ("xy", ())


def test_a_push_message_and_an_approved_template_are_filled() -> None:
    content = Content(
        body="b", link="https://a.example/{{ id }}", image="{{ pic }}", approved="offer_1",
        fields={"1": "{{ id }}", "name": "<{{ id }}>"},
    )  # fmt: skip
    text = render(content, "push", {"id": 7, "pic": "https://a.example/p.png\n"})
    assert (text.link, text.image) == ("https://a.example/7", "https://a.example/p.png")
    assert (text.approved, text.fields) == ("offer_1", {"1": "7", "name": "<7>"})


def test_snippets_are_put_in_and_escape_as_their_template_does() -> None:
    snippets = {
        "hi": "Hi {{ name }}! {% render 'end' %}",
        "end": "Bye {{ customer }}",
        "bad": "{% if",
    }
    body = "{% render 'hi', name: customer %}{% include 'hi' %}"
    assert render(Content(body="<p>" + body), "email", {"customer": "<A>"}, snippets).body == (
        "<p>Hi &lt;A&gt;! Bye &lt;A&gt;Hi ! Bye &lt;A&gt;"
    )
    for wrong, words in (
        ("none", "there is no snippet none"),
        ("bad", "in the snippet bad, line 1"),
    ):
        with pytest.raises(TemplateError, match=words):
            render(Content(body=f"{{% render '{wrong}' %}}"), "sms", {}, snippets)


def test_a_mistake_is_told_with_its_part_and_line() -> None:
    with pytest.raises(TemplateError, match=r"body, line 3: ") as told:
        body_of("a\n\n{{ x | nothing }}", x=ADA)
    assert (told.value.part, told.value.line) == ("body", 3)
    with pytest.raises(TemplateError, match=r"fields\.a, line 1: "):
        render(Content(body="", fields={"a": "{{"}), "whatsapp", {})


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<mj-txt>a</mj-txt>", "line 2: MJML knows no tag <mj-txt>"),
        ("<foo>a</foo>", "line 2: MJML knows no tag <foo>"),
        ("<mj-text><b>a</b><mj-bogus/></mj-text>", "no tag <mj-bogus>"),
        ("<mj-text>" + "<div>" * 200 + "</div>" * 200 + "</mj-text>", "inside one another"),
    ],
)
def test_mjml_with_unknown_tags_names_the_tag(inside: str, words: str) -> None:
    body = f"<mjml><mj-body><mj-section><mj-column>\n{inside}</mj-column></mj-section></mj-body></mjml>"
    with pytest.raises(TemplateError, match=words):
        body_of(body)
    good = (
        "<mj-text><b>a</b><br>&nbsp;<table><tr><td>x</td></tr></table></mj-text><mj-image src='x'/>"
    )
    assert "<b>a</b>" in body_of(body.replace(inside, good))
