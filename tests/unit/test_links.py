"""Links in messages: what they name, and that nobody else can make one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run.links import CONFIRM, PREFERENCES, UNSUBSCRIBE, Links, Named

ADA, MAIL = UUID(int=1), UUID(int=2)
LINKS = Links(base="https://shop.example", keys=("k" * 40,))


def token(link: str) -> str:
    return link.rpartition("/")[2]


def test_a_link_names_what_it_was_made_for() -> None:
    link = LINKS.unsubscribe(ADA, MAIL, "news", "email")
    assert link.startswith("https://shop.example/u/")
    assert LINKS.read(UNSUBSCRIBE, token(link)) == Named(
        customer=ADA, message=MAIL, topic="news", channel="email"
    )
    asked = LINKS.confirmation(ADA, "news", "sms")
    assert LINKS.read(CONFIRM, token(asked)) == Named(customer=ADA, topic="news", channel="sms")
    page = LINKS.preferences(ADA)
    assert LINKS.read(PREFERENCES, token(page)) == Named(customer=ADA)
    assert len(link) < 150  # it stands in text messages


def test_a_link_serves_its_purpose_alone() -> None:
    given = token(LINKS.unsubscribe(ADA, MAIL, "news", "email"))
    assert LINKS.read(PREFERENCES, given) is None
    assert LINKS.read(CONFIRM, given) is None


def test_a_link_outlives_the_key_that_signed_it() -> None:
    given = token(LINKS.preferences(ADA))
    changed = Links(base="https://shop.example", keys=("k" * 40, "n" * 40))
    assert changed.read(PREFERENCES, given) == Named(customer=ADA)
    assert LINKS.read(PREFERENCES, token(changed.preferences(ADA))) is None


@given(st.text())
def test_what_was_not_signed_names_nothing(made_up: str) -> None:
    assert LINKS.read(UNSUBSCRIBE, made_up) is None


@given(st.integers(0), st.characters())
def test_a_damaged_link_names_nothing(at: int, character: str) -> None:
    whole = token(LINKS.unsubscribe(ADA, MAIL, "news", "email"))
    at %= len(whole) - 1  # the last character's last bits mean nothing
    damaged = whole[:at] + character + whole[at + 1 :]
    assert damaged == whole or LINKS.read(UNSUBSCRIBE, damaged) is None


@pytest.mark.parametrize("parts", [[], ["short"], [1, 2, 3, 4], "text", {"a": 1}, None, [[]]])
def test_what_is_signed_but_no_link_names_nothing(parts: object) -> None:
    assert LINKS.read(UNSUBSCRIBE, LINKS._signer(UNSUBSCRIBE).dumps(parts)) is None


def test_mail_programs_are_told_how_to_unsubscribe() -> None:
    assert LINKS.headers(ADA, MAIL, "news", "email") == {
        "List-Unsubscribe": f"<{LINKS.unsubscribe(ADA, MAIL, 'news', 'email')}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_templates_get_both_links() -> None:
    told = LINKS.variables(ADA, MAIL, "news", "email")
    assert told["unsubscribe_url"] == LINKS.unsubscribe(ADA, MAIL, "news", "email")
    assert told["preferences_url"] == LINKS.preferences(ADA, MAIL)
    without = LINKS.variables(ADA, MAIL, None, "email")
    assert without["unsubscribe_url"] == without["preferences_url"]
