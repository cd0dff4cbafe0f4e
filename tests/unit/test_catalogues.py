"""Every sentence of the interface exists in every language, and is compiled."""

import re
from datetime import UTC, datetime

import pytest

from designer.locale.update import compiled, folder, is_done, languages, read, template
from designer.words import NN_, Shop, Words, negotiate


@pytest.mark.parametrize("language", list(languages()))
def test_every_sentence_is_translated(language: str) -> None:
    catalogue = read(language)
    for message in template():
        if not message.id:
            continue
        found = catalogue.get(message.id)
        assert found is not None, f"run python -m designer.locale.update for {message.id!r}"
        assert is_done(found), message.id
        assert not found.fuzzy, message.id


@pytest.mark.parametrize("language", list(languages()))
def test_translations_name_what_the_sentences_name(language: str) -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", text))

    for message in read(language):
        if not message.id:
            continue
        plural = isinstance(message.id, tuple)
        wanted = names(message.id[-1] if plural else message.id)
        for text in message.string if plural else (message.string,):
            # The one of a plural may leave out its number.
            assert names(text) | {"n"} == wanted | {"n"}, message.id


@pytest.mark.parametrize("language", list(languages()))
def test_what_is_served_is_what_was_translated(language: str) -> None:
    assert (folder(language) / "messages.mo").read_bytes() == compiled(read(language))


@pytest.mark.parametrize(
    ("chosen", "accepted", "spoken"),
    [
        (None, "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        (None, "de-CH, en;q=0.3, fr;q=0.7", "fr"),
        (None, "de", "en"),
        (None, "", "en"),
        (None, "fr;q=nonsense", "en"),
        ("en", "fr", "en"),
        ("xx", "fr", "fr"),
    ],
)
def test_the_language_is_the_chosen_or_the_first_accepted(
    chosen: str | None, accepted: str, spoken: str
) -> None:
    assert negotiate(chosen, accepted) == spoken


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    assert Words("en", accepted="en-US").number(1234.5) == "1,234.5"
    assert Words("fr", accepted="fr-FR").number(1234.5) == "1\N{NARROW NO-BREAK SPACE}234,5"
    assert Words("en", accepted="en-GB").money(1234.5) == "CHF\N{NO-BREAK SPACE}1,234.50"
    assert Words("fr", accepted="fr-CH").percent(0.441, digits=1) == "44,1%"


def test_a_sentence_with_its_plural_is_found_where_it_is_shown() -> None:
    one, many = NN_("At most %(n)s email", "At most %(n)s emails")
    assert Words("fr").ngettext(one, many, 3) == "Au plus 3 e-mails"
    assert Words("en").ngettext(one, many, 1) == "At most 1 email"


def test_a_moment_of_another_year_says_which() -> None:
    words = Words(
        "en",
        accepted="en-GB",
        shop=Shop(zone="Europe/Zurich"),
        now=datetime(2026, 12, 31, 22, tzinfo=UTC),
    )
    assert words.moment(datetime(2026, 12, 31, 22, 59, tzinfo=UTC)) == "31 Dec, 23:59"
    assert words.moment(datetime(2026, 12, 31, 23, tzinfo=UTC)) == "1 Jan 2027, 00:00"
    assert (
        Words("fr", now=datetime(2026, 5, 1, tzinfo=UTC)).moment(
            datetime(2027, 1, 2, 9, tzinfo=UTC)
        )
        == "2 janv. 2027, 09:00"
    )
