"""Computed traits and scores in plain words."""

from collections.abc import Mapping
from typing import Final

from designer.canvas.sentences import Sentences
from designer.words import N_, Words
from engine.model.condition import AnyCondition
from engine.model.trait import AnyTrait, EventTrait, JoinedTrait, QuantileTrait, Score, Take

TAKES: Final[Mapping[Take, str]] = {
    "count": N_("how often it happened"),
    "sum": N_("the sum of"),
    "avg": N_("the average of"),
    "min": N_("the lowest"),
    "max": N_("the highest"),
    "distinct": N_("how many different"),
    "first": N_("the first"),
    "last": N_("the last"),
    "most": N_("the most frequent"),
    "first_at": N_("when it happened first"),
    "last_at": N_("when it happened last"),
    "interval": N_("the usual number of days between"),
}
"""What is made of events, as a form offers it; those of a property go on with its name."""

_SAID: Final[Mapping[Take, str]] = {
    "count": N_("How often %(event)s happened"),
    "sum": N_("The sum of %(of)s over every %(event)s"),
    "avg": N_("The average of %(of)s over every %(event)s"),
    "min": N_("The lowest %(of)s of every %(event)s"),
    "max": N_("The highest %(of)s of every %(event)s"),
    "distinct": N_("How many different %(of)s there were in every %(event)s"),
    "first": N_("The %(of)s of the first %(event)s"),
    "last": N_("The %(of)s of the last %(event)s"),
    "most": N_("The most frequent %(of)s of every %(event)s"),
    "first_at": N_("When %(event)s happened first"),
    "last_at": N_("When %(event)s happened last"),
    "interval": N_("The usual number of days between one %(event)s and the next"),
}


class TraitWords:
    """Says what is computed, to one reader; `names` are those of all traits and scores, by id."""

    def __init__(self, words: Words, names: Mapping[str, str]) -> None:
        self._words = words
        self._names = names
        self._sentences = Sentences(words)

    def duration(self, duration: str) -> str:
        """Write a duration: 2 days."""
        return self._sentences.duration(duration)

    def trait(self, trait: AnyTrait) -> str:
        """Return what a computed trait is, as a sentence without its full stop."""
        match trait:
            case EventTrait():
                return self._of_events(trait)
            case QuantileTrait():
                return self._part(trait)
            case JoinedTrait():
                names = self._words.items([self.name(id) for id in trait.join])
                return self._words.gettext("%(names)s, written one after the other", names=names)

    def score(self, score: Score) -> str:
        """Return what raises and lowers a score, and how it fades."""
        rules = [
            self._words.gettext("%(points)s for %(what)s", points=f"{rule.points:+d}",
                                what=self.event(rule.event, rule.where))
            for rule in score.rules
        ]  # fmt: skip
        said = ", ".join(rules)
        if score.half_life is None:
            return said
        time = self.duration(score.half_life)
        return self._words.gettext("%(rules)s; halves every %(time)s", rules=said, time=time)

    def event(self, event: str, where: AnyCondition | None) -> str:
        """Return which events are meant."""
        if where is None:
            return event
        condition = self._sentences.conditions.say(where, of_event=True)
        return self._words.gettext(
            "%(event)s where %(condition)s", event=event, condition=condition
        )

    def condition(self, where: AnyCondition) -> str:
        """Return what is asked of an event."""
        return self._sentences.conditions.say(where, of_event=True)

    def name(self, id: str) -> str:
        """Return what people call a trait."""
        return self._names.get(id, id)

    def _of_events(self, trait: EventTrait) -> str:
        event = self.event(trait.event, trait.where)
        said = self._words.gettext(_SAID[trait.take], event=event, of=trait.of or "")
        if trait.within is None:
            return said
        time = self.duration(trait.within)
        return self._words.gettext("%(said)s, within %(time)s", said=said, time=time)

    def _part(self, trait: QuantileTrait) -> str:
        name = self._words.quote(self.name(trait.quantile_of))
        if trait.reversed:
            text = N_(
                "In which of %(n)s equal parts of all customers by %(name)s: 1 is the highest"
            )
        else:
            text = N_(
                "In which of %(n)s equal parts of all customers by %(name)s: %(n)s is the highest"
            )
        return self._words.gettext(text, n=trait.parts, name=name)
