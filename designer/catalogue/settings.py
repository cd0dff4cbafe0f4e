"""The form of what customers are told of products."""

from dataclasses import dataclass, field
from typing import Any, Final

from designer.pages import Sent
from designer.words import Words
from engine.model.workspace import Workspace

_BOUNDS: Final = {"price_drop": (0, 100), "interest_days": (1, 365)}


@dataclass(frozen=True, slots=True)
class TellingForm:
    """What somebody has written, and what is wrong with it by field."""

    price_drop: str
    interest_days: str
    wrong: dict[str, str] = field(default_factory=dict)


def form_of(workspace: Workspace) -> TellingForm:
    """Return the form with what holds now."""
    return TellingForm(str(workspace.price_drop), str(workspace.interest_days))


def read_form(sent: Sent, words: Words) -> tuple[TellingForm, dict[str, Any]]:
    """Read what was sent; return it, and the changes that it makes."""
    written = {name: str(sent.get(name, "")).strip() for name in _BOUNDS}
    wrong = {
        name: words.gettext(
            "Write a whole number from %(least)s to %(most)s.", least=least, most=most
        )
        for name, (least, most) in _BOUNDS.items()
        if not (written[name].isascii() and written[name].isdigit())
        or not least <= int(written[name][:9]) <= most
    }
    changes = {} if wrong else {name: int(text) for name, text in written.items()}
    return TellingForm(**written, wrong=wrong), changes
