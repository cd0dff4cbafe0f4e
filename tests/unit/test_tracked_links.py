"""Links that tell when they are opened."""

from uuid import uuid4

import pytest

from activities.content.links import Tracker, rewrite

TRACKER = Tracker(["key"], "https://mail.shop.example")
MESSAGE = uuid4()


def test_a_link_leads_to_exactly_where_it_led() -> None:
    url = "https://shop.example/a?b=c&d=é#e"
    body = rewrite(
        f'<p><a class="x" href="{url.replace("&", "&amp;")}">go</a></p>', MESSAGE, TRACKER.sign
    )
    token = body.split('href="https://mail.shop.example/l/')[1].split('"')[0]
    click = TRACKER.read(token)
    assert click is not None
    assert (click.message, click.url) == (MESSAGE, url)
    assert body.startswith('<p><a class="x" href=')
    assert body.endswith('">go</a></p>')


@pytest.mark.parametrize(
    "body",
    [
        '<a href="mailto:a@b.example">write</a>',
        '<a href="tel:+41791234567">call</a>',
        '<a href="#top">up</a>',
        '<a href="https://mail.shop.example/u/token">unsubscribe</a>',
        '<a data-untracked href="https://bank.example">pay</a>',
        '<img src="https://shop.example/a.png">',
        '<link href="https://shop.example/a.css">',
        "https://shop.example in a text",
        "<!-- <a href='https://shop.example'> -->",
        '<a href="javascript:alert(1)">no</a>',
        '<a href="http://[broken">no</a>',
    ],
)  # fmt: skip
def test_what_is_no_link_to_the_web_stays(body: str) -> None:
    assert rewrite(body, MESSAGE, TRACKER.sign) == body


@pytest.mark.parametrize(
    "href",
    ["href='https://a.example/x'", "HREF = https://a.example/x", 'href="https://a.example/x"'],
)
def test_every_way_to_write_a_link_is_found(href: str) -> None:
    assert "https://mail.shop.example/l/" in rewrite(f"<A {href}>x</A>", MESSAGE, TRACKER.sign)


def test_links_outlive_a_new_key() -> None:
    token = TRACKER.sign(MESSAGE, "https://a.example/").rpartition("/")[2]
    assert Tracker(["key", "newer"], "https://x.example").read(token) == TRACKER.read(token)


def test_a_forged_link_leads_nowhere() -> None:
    token = TRACKER.sign(MESSAGE, "https://a.example/").rpartition("/")[2]
    assert TRACKER.read(token) is not None
    # Not the last character: some of its bits mean nothing.
    other = token[:-4] + ("a" if token[-4] != "a" else "b") + token[-3:]
    for forged in (other, token + "x", "", "a.b", "é",
                   Tracker(["other"], "https://x").sign(MESSAGE, "https://a.example/").rpartition("/")[2]):  # fmt: skip
        assert TRACKER.read(forged) is None
