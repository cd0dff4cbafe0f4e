"""One thing that was looked at: how it is, and what mends it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`well`; `unwise`, which works and could be better; or `wrong`. It holds no secret."""

    about: str
    state: Literal["well", "unwise", "wrong"]
    said: str
    mend: str = ""

    def __str__(self) -> str:
        """Write it in one line."""
        line = f"{self.state:<6}  {self.about}: {self.said}."
        return f"{line} {self.mend}." if self.mend else line


def well(about: str, said: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(about=about, state="well", said=said)


def unwise(about: str, said: str, mend: str) -> Finding:
    """Return that something works, and could be better."""
    return Finding(about=about, state="unwise", said=said, mend=mend)


def wrong(about: str, said: str, mend: str) -> Finding:
    """Return that something does not work."""
    return Finding(about=about, state="wrong", said=said, mend=mend)
