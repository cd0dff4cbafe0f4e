"""Errors whose text is a sentence for the person who caused them.

Commands print the sentence and exit with `exit_code`; the HTTP interface answers it
as a problem document (RFC 9457) with `status`.
"""

import traceback
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, or a part of one, that the pages say in their reader's language.

    `text` is English, with `%(name)s` for each value that has to be filled in; a value may be such
    a part itself.
    """

    text: str
    values: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        """Say it in English."""
        return self.text % dict(self.values) if self.values else self.text


def said(text: str, /, **values: object) -> Said:
    """Return what is said by `text` with these values, which have to be hashable."""
    return Said(text, tuple(values.items()))


class ParcoursError(Exception):
    """Something a user can understand and mend; `str(error)` says what and how, in English."""

    status = 500
    exit_code = 1

    def __init__(self, sentence: str | Said = "") -> None:
        super().__init__(str(sentence))
        self.said = sentence if isinstance(sentence, Said) else Said(sentence)


class InvalidInput(ParcoursError):
    """What was given cannot be accepted as it is."""

    status = 422
    exit_code = 2


class Malformed(ParcoursError):
    """What was sent cannot be read."""

    status = 400


class TooLarge(ParcoursError):
    """What was sent is larger than what is taken in."""

    status = 413


class NotFound(ParcoursError):
    """The named thing does not exist."""

    status = 404


class Conflict(ParcoursError):
    """The named thing is not in a state that allows this."""

    status = 409


class Stale(Conflict):
    """Somebody else has changed the thing since it was looked at."""


class Unavailable(ParcoursError):
    """A part that is needed (database, Temporal, provider) does not answer."""

    status = 503


class Contended(Unavailable):
    """Others were always quicker, or hold what is needed for too long."""


def without_words(error: BaseException) -> str:
    """Return an error's kind and where it arose, for a log.

    Its own words are left out: a database or a template engine quotes customers' data in them.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{frames}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a document: where it is, and what mends it.

    `said` is the message for other languages, where it has been made for that.
    """

    message: str
    said: Said | None = None
    step: str | None = None
    path: tuple[str | int, ...] = ()
    line: int | None = None
    severity: str = "error"

    def __str__(self) -> str:
        """Name the place, then the sentence."""
        places = [
            f"line {self.line}" if self.line else "",
            f"step {self.step}" if self.step else "",
        ]
        where = ", ".join(place for place in places if place)
        return f"{where}: {self.message}" if where else self.message


class InvalidDocument(InvalidInput):
    """A document (a journey, a rule, an import) with mistakes, all of them listed."""

    def __init__(self, what: str, problems: list[Problem]) -> None:
        self.what = what
        self.problems = problems
        super().__init__("\n".join([f"{what}:", *(f"  {problem}" for problem in problems)]))
