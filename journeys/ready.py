"""A segment of the library: a rule with a name and a description, in several languages."""

from pydantic import Field

from engine.model.base import Name
from engine.model.locale import chosen
from engine.model.segment import Segment


class ReadySegment(Segment):
    """A segment to begin from; `place` is where it stands in lists.

    `names` and `descriptions` are those of other languages than English, by locale.
    """

    place: int = 1000
    icon: str = "users"
    description: str = ""
    names: dict[str, Name] = Field(default_factory=dict)
    descriptions: dict[str, str] = Field(default_factory=dict)

    def named(self, locale: str) -> str:
        """Return its name in a language, else in English."""
        return chosen({"en": self.name, **self.names}, locale, "en")

    def described(self, locale: str) -> str:
        """Return what it says of its customers in a language, else in English."""
        return chosen({"en": self.description, **self.descriptions}, locale, "en")

    def taken(self, locale: str) -> Segment:
        """Return it as a shop has it, with the name in one language."""
        return Segment(id=self.id, name=self.named(locale), rule=self.rule)
