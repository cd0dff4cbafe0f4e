"""What customers write back to end text messages, or to get them again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run.stop_words import reads_as


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"), (" stop. ", "stop"), ("Stop!!", "stop"), ("STOP ALL", "stop"),
        ("stop please", "stop"), ("Stop au 36180", "stop"), ("Arrêt", "stop"), ("ARRETER", "stop"),
        ("désabonner", "stop"), ("Abmelden", "stop"), ("kündigen", "stop"), ("kuendigen", "stop"),
        ("Disiscrivimi", "stop"), ("baja", "stop"), ("afmelden", "stop"), ("opt-out", "stop"),
        ("START", "start"), ("unstop", "start"), ("Reprendre", "start"), ("anmelden", "start"),
        ("Help", "help"), ("AIDE ?", "help"), ("hilfe", "help"), ("aiuto", "help"),
        ("", None), ("👍", None), ("yes", None), ("Thanks!", None), ("start at 8?", None),
        ("could you stop by at the shop tomorrow", None), ("the end of the sale?", None),
    ],
)  # fmt: skip
def test_answers_are_understood(text: str, meaning: str | None) -> None:
    assert reads_as(text) == meaning


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert reads_as(text) in {"stop", "start", "help", None}
