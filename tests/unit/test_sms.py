"""Segments, encodings and the stop wording of text messages."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run.sms import STOP, Segments, cost, outside, segments, stop_wording, with_stop


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 1)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("€" * 81, Segments("GSM-7", 162, 2)),
        ("€" * 153, Segments("GSM-7", 306, 3)),  # 76 whole ones in each, and one left over
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 306, 3)),  # the escape moves whole
        ("à é ù ì ò Ç Ø å Δ ß ñ ¿ § \n\r", Segments("GSM-7", 28, 1)),
        ("ê" * 70, Segments("UCS-2", 70, 1)),
        ("ê" * 71, Segments("UCS-2", 71, 2)),
        ("ê" * 134, Segments("UCS-2", 134, 2)),
        ("ê" * 135, Segments("UCS-2", 135, 3)),
        ("🎁" * 35, Segments("UCS-2", 70, 1)),
        ("🎁" * 36, Segments("UCS-2", 72, 2)),
        ("🎁" * 67, Segments("UCS-2", 134, 3)),  # 33 in each: half a picture is none
    ],
)
def test_segments_are_counted_as_the_networks_bill_them(text: str, expected: Segments) -> None:
    assert segments(text) == expected


def test_the_alphabet_has_what_the_standard_has() -> None:
    alphabet = [chr(code) for code in range(0x10000) if not outside(chr(code))]
    assert len(alphabet) == 127 + 10


@given(st.text(max_size=400))
def test_every_text_has_as_many_segments_as_it_needs(text: str) -> None:
    found = segments(text)
    room = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert (found.encoding == "UCS-2") == bool(outside(text))
    assert (found.count == 1) == (found.length <= room[0])
    if found.count > 1:
        assert found.count >= found.length / room[1]
        assert found.count <= found.length / (room[1] - 1) + 1


def test_characters_that_cost_more_are_named_once() -> None:
    assert outside("Fête, fête du «Café» à 20 %") == ("ê", "«", "»")
    assert outside("Plain, 20% & ñ") == ()


@pytest.mark.parametrize(
    "text",
    ["Sale! Reply STOP to end", "stop au 36111", "Soldes. STOP: 36111", "STOP", "x\nstop=36111"],
)
def test_a_text_that_says_how_to_stop_stays(text: str) -> None:
    assert with_stop(text, "Reply STOP to opt out") == text


@pytest.mark.parametrize("text", ["Sale!", "NON-STOP", "Don't stop now", "STOPOVER", "2x non stop"])
def test_any_other_ends_with_the_wording(text: str) -> None:
    assert with_stop(f"{text} \n", "Reply STOP to opt out") == f"{text}\nReply STOP to opt out"
    assert with_stop(text, "") == text


def test_the_wording_is_in_her_language() -> None:
    assert stop_wording("fr-CH", {}) == STOP["fr"]
    assert stop_wording("de_AT", {}) == STOP["de"]
    assert stop_wording("pt", {}) == stop_wording(None, {}) == STOP["en"]
    own = {"fr": "STOP au 36111", "fr-CH": "STOP au 9292", "en": "STOP to end"}
    assert stop_wording("fr-CH", own) == "STOP au 9292"
    assert stop_wording("fr", own) == "STOP au 36111"
    assert stop_wording("pt", own) == "STOP to end"
    assert stop_wording("it", own) == STOP["it"]


def test_what_we_add_ourselves_costs_no_other_encoding() -> None:
    for wording in STOP.values():
        assert outside(wording) == ()
        assert with_stop("", wording) == wording
        assert with_stop(wording, wording) == wording


def test_the_cost_is_that_of_its_segments() -> None:
    assert cost(3, Decimal("0.045")) == Decimal("0.135")
    assert cost(3, None) is None
