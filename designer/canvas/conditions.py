"""Conditions in plain words."""

from collections.abc import Callable
from typing import Final, assert_never

from designer.words import N_, Words
from engine.model.condition import (
    RANKS,
    All,
    Anniversary,
    AnyCondition,
    AnyOf,
    Comparison,
    Count,
    EventHappened,
    EventMatch,
    EventValue,
    InSegment,
    Not,
    PropertyIs,
    Reachable,
    ResultIs,
    StepWas,
    Subscribed,
    TraitIs,
    TraitTimes,
)

_COMPARED: Final = {
    "eq": N_("%(what)s is %(value)s"),
    "ne": N_("%(what)s is not %(value)s"),
    "in": N_("%(what)s is %(value)s"),
    "nin": N_("%(what)s is not %(value)s"),
    "gt": N_("%(what)s is more than %(value)s"),
    "gte": N_("%(what)s is at least %(value)s"),
    "lt": N_("%(what)s is less than %(value)s"),
    "lte": N_("%(what)s is at most %(value)s"),
    "contains": N_("%(what)s contains %(value)s"),
    "starts_with": N_("%(what)s begins with %(value)s"),
    "before": N_("%(what)s lies before %(value)s"),
    "after": N_("%(what)s lies after %(value)s"),
    "within": N_("%(what)s lies within the last %(value)s"),
    "older_than": N_("%(what)s lies at least %(value)s back"),
    "top": N_("%(what)s is among the highest %(value)s of all customers"),
    "bottom": N_("%(what)s is among the lowest %(value)s of all customers"),
}
_KNOWN: Final = {True: N_("%(what)s is known"), False: N_("%(what)s is not known")}
_OPPOSITE: Final = {"eq": "ne", "ne": "eq", "in": "nin", "nin": "in", "gt": "lte", "gte": "lt",
                    "lt": "gte", "lte": "gt"}  # fmt: skip
_OUTCOMES: Final = {
    "sent": (N_("%(step)s was sent"), N_("%(step)s was not sent")),
    "skipped": (N_("%(step)s was skipped"), N_("%(step)s was not skipped")),
    "failed": (N_("%(step)s was refused"), N_("%(step)s was not refused")),
    "unknown": (N_("the outcome of %(step)s is unknown"), N_("the outcome of %(step)s is known")),
    "done": (N_("%(step)s went to its end"), N_("%(step)s did not go to its end")),
    "stopped": (N_("%(step)s was over early"), N_("%(step)s was not over early")),
}


class ConditionWords:
    """Says conditions; what they refer to by id is named by those who know."""

    def __init__(
        self,
        words: Words,
        duration: Callable[[str], str],
        segment: Callable[[str], str],
        step: Callable[[str], str],
    ) -> None:
        self._words = words
        self._duration = duration
        self._segment = segment
        self._step = step

    def say(self, condition: AnyCondition, *, of_event: bool = False, inside: bool = False) -> str:
        """Return the condition as a clause: tier is gold and cart value is at least 30.

        `of_event`: properties are those of the event just named. `inside`: the clause stands
        within another, so that a list of several is put in brackets.
        """
        match condition:
            case All(all=several):
                return self._several(several, "standard", of_event, inside)
            case AnyOf(any=several):
                return self._several(several, "or", of_event, inside)
            case Not(not_=inner):
                return self._denied(inner, of_event)
            case _:
                return self._plain(condition, of_event, holds=True)

    def _several(
        self, parts: tuple[AnyCondition, ...], style: str, of_event: bool, inside: bool
    ) -> str:
        several = len(parts) > 1
        said = [self.say(part, of_event=of_event, inside=several) for part in parts]
        joined = self._words.items(said, style=style)
        return f"({joined})" if inside and several else joined

    def _denied(self, inner: AnyCondition, of_event: bool) -> str:
        match inner:
            case Not(not_=twice):
                return self.say(twice, of_event=of_event)
            case EventHappened() | Anniversary() | InSegment() | StepWas():
                return self._plain(inner, of_event, holds=False)
            case Reachable() | Subscribed():
                return self._plain(inner, of_event, holds=False)
            case TraitIs() | PropertyIs() | EventValue() | ResultIs() if self._has_opposite(inner):
                return self._plain(inner, of_event, holds=False)
            case _:
                said = self.say(inner, of_event=of_event)
                return self._words.gettext("not (%(condition)s)", condition=said)

    @staticmethod
    def _has_opposite(comparison: Comparison) -> bool:
        # "Not at least 30" also holds for a missing value; only equality has a true opposite.
        names = [name for name, _ in comparison.operators]
        return len(names) == 1 and names[0] in {"eq", "ne", "in", "nin", "exists"}

    def _plain(self, condition: AnyCondition, of_event: bool, *, holds: bool) -> str:
        _ = self._words.gettext
        match condition:
            case TraitIs() | PropertyIs() | EventValue() | ResultIs():
                return self._compared(self._what(condition, of_event), condition, holds)
            case EventHappened():
                return self._happened(condition, holds)
            case Anniversary():
                return self._returns(condition, holds)
            case InSegment():
                segment = self._segment(condition.segment)
                if holds:
                    return _("the customer is in %(segment)s", segment=segment)
                return _("the customer is not in %(segment)s", segment=segment)
            case StepWas():
                return self._was(condition, holds)
            case Reachable():
                return reachable(condition.reachable, self._words, holds=holds)
            case Subscribed():
                topic = self._words.quote(_readable(condition.subscribed))
                return subscribed(topic, condition.channel, self._words, holds=holds)
            case All() | AnyOf() | Not():
                return self.say(condition, of_event=of_event)
            case _:
                assert_never(condition)

    def _what(self, condition: TraitIs | PropertyIs | EventValue | ResultIs, of_event: bool) -> str:
        _ = self._words.gettext
        match condition:
            case TraitIs():
                return _readable(condition.trait)
            case PropertyIs():
                name = _readable(condition.property)
                return name if of_event else _("the event's %(property)s", property=name)
            case EventValue():
                return self._of_events(condition)
            case ResultIs(result=asked):
                step = self._step(asked.step)
                return _("%(name)s of %(step)s", name=_readable(asked.name), step=step)
            case _:
                assert_never(condition)

    def _compared(self, what: str, comparison: Comparison, holds: bool) -> str:
        _ = self._words.gettext
        said = []
        for name, operand in comparison.operators:
            if name == "exists":
                said.append(_(_KNOWN[bool(operand) is holds], what=what))
                continue
            operator = name if holds else _OPPOSITE[name]
            said.append(_(_COMPARED[operator], what=what, value=self._value(name, operand)))
        return self._words.items(said)

    def _value(self, operator: str, operand: object) -> str:
        if isinstance(operand, TraitTimes):
            return self._times_of(operand)
        if operator in {"within", "older_than"}:
            return self._duration(str(operand))
        if operator in RANKS:
            return self._words.percent(int(str(operand)) / 100)
        if isinstance(operand, list):
            return self._words.items([self._words.value(item) for item in operand], style="or")
        return self._words.value(operand)

    def _times_of(self, length: TraitTimes) -> str:
        what = _readable(length.trait)
        if length.times == 1:
            return what
        times = self._words.value(length.times)
        return self._words.gettext("%(n)s times %(what)s", n=times, what=what)

    def _event(self, match: EventMatch) -> str:
        _ = self._words.gettext
        event = self._words.quote(match.event)
        if match.message is not None:
            event = _("%(event)s (of %(step)s)", event=event, step=self._step(match.message))
        if match.where is not None:
            where = self.say(match.where, of_event=True)
            event = _("%(event)s where %(condition)s", event=event, condition=where)
        return event

    def _of_events(self, condition: EventValue) -> str:
        _ = self._words.gettext
        name, of = condition.aggregate
        event = self._event(condition)
        said = aggregated(name, _readable(of), event, self._words)
        if condition.within is None:
            return said
        return _("%(what)s in the last %(time)s", what=said, time=self._duration(condition.within))

    def _returns(self, condition: Anniversary, holds: bool) -> str:
        _ = self._words.gettext
        day, time = _readable(condition.anniversary), self._duration(condition.within)
        if holds:
            return _("the yearly %(day)s is today or within %(time)s", day=day, time=time)
        return _("the yearly %(day)s is neither today nor within %(time)s", day=day, time=time)

    def _happened(self, condition: EventHappened, holds: bool) -> str:
        _ = self._words.gettext
        event = self._event(condition)
        said = _("%(event)s has happened", event=event)
        if not holds:
            said = _("%(event)s has not happened", event=event)
        parts = [said]
        if condition.count is not None:
            parts.append(self._times(condition.count))
        if condition.within is not None:
            parts.append(_("in the last %(time)s", time=self._duration(condition.within)))
        return " ".join(parts)

    def _times(self, count: Count) -> str:
        ngettext, said = self._words.ngettext, []
        if (n := count.eq) is not None:
            said.append(ngettext("exactly %(n)s time", "exactly %(n)s times", n))
        if (n := count.gt) is not None:
            said.append(ngettext("more than %(n)s time", "more than %(n)s times", n))
        if (n := count.gte) is not None:
            said.append(ngettext("at least %(n)s time", "at least %(n)s times", n))
        if (n := count.lt) is not None:
            said.append(ngettext("less than %(n)s time", "less than %(n)s times", n))
        if (n := count.lte) is not None:
            said.append(ngettext("at most %(n)s time", "at most %(n)s times", n))
        return self._words.items(said)

    def _was(self, condition: StepWas, holds: bool) -> str:
        _ = self._words.gettext
        step = self._step(condition.step)
        if known := _OUTCOMES.get(condition.is_):
            return _(known[0] if holds else known[1], step=step)
        way = self._words.quote(_readable(condition.is_))
        if holds:
            return _("%(step)s went %(way)s", step=step, way=way)
        return _("%(step)s did not go %(way)s", step=step, way=way)


_AGGREGATED: Final = {
    "sum": N_("the sum of %(property)s over all %(event)s"),
    "avg": N_("the average %(property)s of all %(event)s"),
    "min": N_("the lowest %(property)s of all %(event)s"),
    "max": N_("the highest %(property)s of all %(event)s"),
    "distinct": N_("the number of different %(property)s of all %(event)s"),
    "first": N_("the %(property)s of the first %(event)s"),
    "last": N_("the %(property)s of the last %(event)s"),
}


def aggregated(name: str, of: str, event: str, words: Words) -> str:
    """Say what is made of a property over several events."""
    return words.gettext(_AGGREGATED[name], property=of, event=event)


_REACHABLE: Final = {
    "email": (
        N_("the customer can be reached by email"),
        N_("the customer cannot be reached by email"),
    ),
    "sms": (
        N_("the customer can be reached by SMS"),
        N_("the customer cannot be reached by SMS"),
    ),
    "whatsapp": (
        N_("the customer can be reached by WhatsApp"),
        N_("the customer cannot be reached by WhatsApp"),
    ),
    "push": (
        N_("the customer can be reached by push"),
        N_("the customer cannot be reached by push"),
    ),
}


def reachable(channel: str, words: Words, *, holds: bool) -> str:
    """Say whether a customer may be written to on a channel."""
    return words.gettext(_REACHABLE[channel][0 if holds else 1])


_SUBSCRIBED: Final = {
    None: (
        N_("the customer wants %(topic)s"),
        N_("the customer does not want %(topic)s"),
    ),
    "email": (
        N_("the customer wants %(topic)s by email"),
        N_("the customer does not want %(topic)s by email"),
    ),
    "sms": (
        N_("the customer wants %(topic)s by SMS"),
        N_("the customer does not want %(topic)s by SMS"),
    ),
    "whatsapp": (
        N_("the customer wants %(topic)s by WhatsApp"),
        N_("the customer does not want %(topic)s by WhatsApp"),
    ),
    "push": (
        N_("the customer wants %(topic)s by push"),
        N_("the customer does not want %(topic)s by push"),
    ),
}


def subscribed(topic: str, channel: str | None, words: Words, *, holds: bool) -> str:
    """Say whether a customer is subscribed to a topic, by its readable name."""
    return words.gettext(_SUBSCRIBED[channel][0 if holds else 1], topic=topic)


def _readable(name: str) -> str:
    return name.replace("_", " ")
