"""What can be chosen where a walk stands, as buttons and small forms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from babel.dates import format_date
from babel.units import format_unit

from designer.canvas.sentences import Sentences, readable
from designer.messages.reasons import reason
from designer.views import CHANNEL_ICONS, channel_name
from designer.walk.rows import Row, row
from designer.words import N_, Words
from engine.model.condition import AnyCondition, PropertyIs, ResultIs, TraitIs
from engine.model.journey import ExitRule, Journey
from engine.run.likely import leaves, likely_properties, likely_result
from engine.run.walked import CanAnswer, CanHappen, CanPass, CanSend, Walked

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))

_ABOUT_A_MESSAGE: Final = {
    "Message Delivered": N_("%(step)s arrives"),
    "Message Opened": N_("She opens %(step)s"),
    "Message Clicked": N_("She follows a link in %(step)s"),
    "Message Bounced": N_("%(step)s comes back"),
    "Message Complained": N_("She calls %(step)s spam"),
    "Message Replied": N_("She replies to %(step)s"),
}


@dataclass(frozen=True, slots=True)
class Button:
    """A choice that needs no more words; `do` is what the form is told."""

    do: str
    text: str
    icon: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice with what can be said of it; the first `button` is the likely one.

    `key` is a name for it in the page; `after` is how long after this moment it happens, as a
    number and a unit, or nothing where it happens at once.
    """

    key: str
    icon: str
    title: str
    hints: tuple[str, ...]
    buttons: tuple[Button, ...]
    rows: tuple[Row, ...] = ()
    after: tuple[str, str] | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)


def offers(walked: Walked, journey: Journey, sentences: Sentences) -> list[Offer]:
    """Return what can be chosen, the likeliest first."""
    return list(_Offering(walked, journey, sentences).all())


def happenings(walked: Walked) -> list[list[CanHappen]]:
    """Return the events that can happen; what one of them would do is kept together."""
    found: dict[tuple[str, str | None], list[CanHappen]] = {}
    for can in walked.open:
        if isinstance(can, CanHappen):
            found.setdefault((can.match.event, can.match.message), []).append(can)
    return list(found.values())


def compared_with_numbers(conditions: Sequence[AnyCondition | None]) -> set[str]:
    """Return the names whose values are compared with numbers."""
    return {
        _name(leaf)
        for condition in conditions
        if condition is not None
        for leaf in leaves(condition)
        if isinstance(leaf, TraitIs | PropertyIs | ResultIs)
        and any(
            isinstance(operand, int | float) and not isinstance(operand, bool)
            for _, operand in leaf.operators
        )
    }


def _name(leaf: TraitIs | PropertyIs | ResultIs) -> str:
    match leaf:
        case TraitIs(trait=name) | PropertyIs(property=name):
            return name
        case ResultIs(result=asked):
            return asked.name
        case _:
            assert_never(leaf)


def event_rows(several: Sequence[CanHappen], at: datetime, zone: str) -> list[Row]:
    """Return what can be said of an event: the properties that the journey asks for."""
    values: dict[str, Any] = {}
    for can in several:
        values |= {
            name: value
            for name, value in likely_properties(can.match.where, at, zone).items()
            if name not in values
        }
    money = [can.revenue for can in several if can.revenue is not None]
    for name in money:
        values.setdefault(name, 50)
    numbers = compared_with_numbers([can.match.where for can in several]) | {*money}
    return [row(name, value, number=name in numbers) for name, value in values.items()]


def result_rows(can: CanAnswer, journey: Journey, at: datetime, zone: str) -> list[Row]:
    """Return what an answer may hold: what the step keeps, and what is asked of it later."""
    likely = likely_result(journey, can.step, at, zone)
    values = {**dict.fromkeys(can.kept or ()), **likely}
    numbers = {name for name, value in likely.items() if isinstance(value, int | float)}
    return [row(name, value, number=name in numbers) for name, value in values.items()]


def span(length: timedelta, words: Words) -> str:
    """Write a length of time, to its second largest unit: 1 day and 3 hours."""
    left, said = max(int(length.total_seconds()), 0), []
    for seconds, unit in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            said.append(str(format_unit(count, unit, locale=words.locale)))
        elif said:
            break
    return words.items(said[:2]) or str(format_unit(0, "second", locale=words.locale))


def moment(at: datetime, words: Words) -> str:
    """Write a moment with its day of the week."""
    weekday = format_date(words.local(at), "EEE", locale=words.locale)
    return f"{weekday} {words.moment(at)}"


class _Offering:
    def __init__(self, walked: Walked, journey: Journey, sentences: Sentences) -> None:
        self.walked = walked
        self.journey = journey
        self.sentences = sentences
        self.words = sentences.words

    def all(self) -> Iterator[Offer]:
        for can in self.walked.open:
            match can:
                case CanSend():
                    yield self._send(can)
                case CanAnswer():
                    yield self._answer(can)
                case CanPass() | CanHappen():
                    pass
                case _:
                    assert_never(can)
        several = list(enumerate(happenings(self.walked)))
        awaited = [one for one in several if one[1][0].role == "awaited"]
        yield from (self._event(n, cans) for n, cans in awaited)
        yield from (self._pass(can) for can in self.walked.open if isinstance(can, CanPass))
        yield from (self._event(n, cans) for n, cans in several if (n, cans) not in awaited)

    def _pass(self, can: CanPass) -> Offer:
        _, words = self.words.gettext, self.words
        now = self.walked.now
        text = _("%(time)s later", time=span(can.until - now, words))
        hint = _("It is then %(moment)s", moment=moment(can.until, words))
        return Offer("pass", "clock", text, (hint,), (Button("pass", text, "clock"),))

    def _send(self, can: CanSend) -> Offer:
        _, words = self.words.gettext, self.words
        icon, by = CHANNEL_ICONS[can.channel], channel_name(can.channel, words)
        if can.barred is not None:
            why = reason(words, can.barred, self.sentences.names)
            text = _("It is not sent")
            return Offer(
                "send", "ban", text, (why,), (Button("send:skipped", text, "ban"),)
            )  # fmt: skip
        title = _("The message is sent: %(channel)s", channel=by)
        return Offer(
            "send", icon, title, (),
            (
                Button("send:sent", title, icon),
                Button("send:failed", _("The provider refuses it"), "circle-alert"),
                Button("send:skipped", _("It is not sent, because a rule is full"), "ban"),
            ),
        )  # fmt: skip

    def _answer(self, can: CanAnswer) -> Offer:
        _ = self.words.gettext
        rows = result_rows(can, self.journey, self.walked.now, self.words.shop.zone)
        hints = (_("What is kept of the answer"),) if rows else ()
        return Offer(
            "answer", "globe", _("The call is made"), hints,
            (
                Button("answer:done", _("It goes well"), "circle-check"),
                Button("answer:failed", _("It goes wrong"), "circle-alert"),
            ),
            tuple(rows),
        )  # fmt: skip

    def _event(self, n: int, several: Sequence[CanHappen]) -> Offer:
        words, first = self.words, several[0]
        text = self._happens(first)
        rows = event_rows(several, self.walked.now, words.shop.zone)
        icon = "mail" if first.match.message is not None else "activity"
        return Offer(
            f"event-{n}", icon, text, tuple(self._hints(several)),
            (Button(f"happen:{n}", text, icon),), tuple(rows), self._after(first.until),
        )  # fmt: skip

    def _happens(self, can: CanHappen) -> str:
        _, match = self.words.gettext, can.match
        if match.message is None:
            return _("%(event)s happens", event=self.words.quote(match.event))
        step = self.sentences.step_name(match.message)
        if match.event in _ABOUT_A_MESSAGE:
            return _(_ABOUT_A_MESSAGE[match.event], step=step)
        event = self.words.quote(match.event)
        return _("%(event)s (of %(step)s) happens", event=event, step=step)

    def _hints(self, several: Sequence[CanHappen]) -> Iterator[str]:
        _ = self.words.gettext
        for can in several:
            match can.role:
                case "awaited":
                    does = _("the step waits for it")
                case "exit":
                    rule = next((r for r in self.journey.exits if r.on == can.match), None)
                    does = _("takes her out: %(reason)s", reason=_reason(rule))
                case "goal":
                    does = _("reaches the goal")
                case _:
                    assert_never(can.role)
            if can.match.where is not None:
                asked = self.sentences.conditions.say(can.match.where, of_event=True)
                does = _("%(what)s if %(condition)s", what=does, condition=asked)
            yield does

    def _after(self, until: datetime | None) -> tuple[str, str]:
        """Return a while that passes before the event, short enough for her to be still there."""
        left = until - self.walked.now if until is not None else timedelta(days=1)
        for number, unit, length in (("10", "m", 600), ("1", "m", 60)):
            if left > timedelta(seconds=2 * length):
                return number, unit
        return "0", "m"


def _reason(rule: ExitRule | None) -> str:
    return readable(rule.reason) if rule is not None else ""
