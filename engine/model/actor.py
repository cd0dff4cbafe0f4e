"""Who changes something: a person, a program by its key, the command line, or nobody in particular."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a change is recorded for: the id of a person or a key, or a word; and the name then."""

    id: str
    name: str


OPERATOR: Final = Actor("operator", "operator")
"""Whoever has opened the login link that the command line prints."""

COMMAND_LINE: Final = Actor("command line", "command line")
"""Whoever may run commands on the machine."""

PRODUCT: Final = Actor("parcours", "Parcours")
"""The product itself, by a rule of its own."""
