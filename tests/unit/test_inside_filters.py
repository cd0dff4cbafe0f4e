"""What the list of a journey's customers is headed with."""

from typing import Final

import pytest

from designer.canvas.sentences import Sentences
from designer.inside.filters import Filters, Offered
from designer.words import Words
from engine.model.journey import Journey, walk
from engine.store.drafts import Names

JOURNEY: Final = Journey.model_validate(
    {
        "id": "j",
        "name": "J",
        "entry": {"on": {"event": "Go"}},
        "steps": [
            {"id": "named", "name": "Hello", "type": "send", "channel": "email", "template": "t"},
            {"id": "plain", "type": "send", "channel": "email", "template": "thanks"},
        ],
    }
)


@pytest.mark.parametrize(
    ("step", "heading"),
    [
        ("named", "Customers to whom “Hello” was sent"),
        ("plain", "Customers to whom Send “thanks” was sent"),
    ],
)
def test_a_step_is_quoted_in_the_heading_unless_it_quotes_itself(step: str, heading: str) -> None:
    sentences = Sentences(Words("en", accepted="en"), JOURNEY, Names())
    steps = {one.id: one for one in walk(JOURNEY.steps)}
    offered = Offered(Filters(journey="j", step=step, of="sent"), steps, sentences)
    assert offered.heading() == heading
