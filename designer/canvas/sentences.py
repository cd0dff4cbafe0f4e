"""What a journey's parts do, said in a sentence in the reader's language."""

from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import Final, assert_never
from urllib.parse import urlsplit

from babel.dates import format_time, get_day_names
from babel.units import format_unit

from designer.canvas.conditions import ConditionWords
from designer.canvas.openings import OpeningWords, pace_in_words
from designer.views import ACTIVITY_ICON, CHANNEL_ICONS, channel_name, icons
from designer.words import Words
from engine.model.condition import EventMatch
from engine.model.duration import Duration
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    Entry,
    ExitStep,
    FromProperty,
    Goal,
    Journey,
    RepeatStep,
    SendStep,
    SplitStep,
    UntilProperty,
    UntilTime,
    UntilTrait,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
    Window,
    walk,
)
from engine.store.drafts import Names

_UNITS: Final = {
    "s": "duration-second",
    "m": "duration-minute",
    "h": "duration-hour",
    "d": "duration-day",
    "w": "duration-week",
    "mo": "duration-month",
    "y": "duration-year",
}
_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of step: its colour, its icon, its name."""

    colour: str
    icon: str
    name: str


class Sentences:
    """Tells one journey's steps."""

    def __init__(
        self, words: Words, journey: Journey | None = None, names: Names | None = None
    ) -> None:
        self.words = words
        self.names = names or Names()
        self._steps = {step.id: step for step in walk(journey.steps)} if journey else {}
        self.conditions = ConditionWords(words, self.duration, self._segment, self.step_name)
        self._openings = OpeningWords(words, self.event, self._segment, self._day, self._clock)

    # Steps

    def kind(self, step: AnyStep) -> Kind:
        """Return what kind of step it is."""
        _ = self.words.gettext
        match step:
            case SendStep():
                return Kind("message", CHANNEL_ICONS[step.channels[0]], self._channels(step))
            case WaitStep():
                by_clock = isinstance(step.until, UntilTime)
                return Kind("time", "calendar-clock" if by_clock else "clock", _("Wait"))
            case WaitForStep():
                return Kind("time", "hourglass", _("Wait for an event"))
            case BranchStep():
                return Kind("logic", "git-branch", _("Branch"))
            case SplitStep():
                return Kind("logic", "split", _("Split by chance"))
            case RepeatStep():
                return Kind("logic", "repeat", _("Repeat"))
            case UpdateStep():
                return Kind("logic", "user", _("Change the customer"))
            case WebhookStep():
                return Kind("logic", "globe", _("Call a web address"))
            case EnterStep():
                return Kind("logic", "route", _("Start another journey"))
            case ActivityStep():
                icon = self.names.icons.get(step.activity, "")
                icon = icon if icon in icons() else ACTIVITY_ICON
                return Kind("logic", icon, self.activity_name(step.activity))
            case ExitStep():
                return Kind("end", "log-out", _("Exit"))
            case _:
                assert_never(step)

    def title(self, step: AnyStep) -> str:
        """Return the name that people gave the step, else what it does."""
        return step.name or self.does(step)

    def does(self, step: AnyStep) -> str:
        """Return what the step does."""
        _ = self.words.gettext
        match step:
            case SendStep() if step.template is None and not step.variants:
                return _("Choose what to send")
            case SendStep():
                return _("Send %(template)s", template=self._template(step))
            case WaitStep():
                return self._wait(step)
            case WaitForStep():
                awaited = [self.words.quote(one.on.event) for one in step.events]
                return _("Wait for %(events)s", events=self.words.items(awaited, style="or"))
            case BranchStep() if len(step.arms) == 1:
                return _("If %(condition)s", condition=self.conditions.say(step.arms[0].if_))
            case BranchStep():
                return _("Take the first way that fits")
            case SplitStep():
                return _("Split by chance")
            case RepeatStep():
                return self._rounds(step)
            case UpdateStep() | WebhookStep() | EnterStep() | ActivityStep():
                return self._deed(step)
            case ExitStep():
                return _("Leaves: %(reason)s", reason=readable(step.reason))
            case _:
                assert_never(step)

    def _deed(self, step: UpdateStep | WebhookStep | EnterStep | ActivityStep) -> str:
        match step:
            case UpdateStep():
                return self._first_up(self.words.items(self.changes(step)))
            case WebhookStep():
                return self._call(step)
            case EnterStep():
                journey = self.words.quote(self.names.journeys.get(step.journey, step.journey))
                return self.words.gettext("Start the journey %(journey)s", journey=journey)
            case ActivityStep():
                return self.activity_name(step.activity)
            case _:
                assert_never(step)

    def detail(self, step: AnyStep) -> str:
        """Return the line below the title."""
        _ = self.words.gettext
        parts = [self.does(step)] if step.name and not isinstance(step, SendStep) else []
        match step:
            case SendStep():
                parts.append(self._channels(step))
                if step.name:
                    parts.append(self._template(step))
                if when := self.when(step):
                    parts.append(when)
                if step.variants:
                    parts.append(_("A/B test"))
                if step.class_ == "transactional":
                    parts.append(_("always sent"))
            case WaitForStep():
                parts.append(_("%(time)s at most", time=self.duration(step.timeout)))
            case WebhookStep() if step.keep:
                kept = [readable(name) for name in step.keep]
                parts.append(_("keeps %(names)s of the answer", names=self.words.items(kept)))
            case ActivityStep() if step.parameters:
                parts.append(self.parameters(step))
            case _:
                pass
        return " · ".join(parts)

    def when(self, step: SendStep) -> str:
        """Return at what time of day the message goes out, or nothing when at any."""
        _ = self.words.gettext
        match step.at:
            case "now":
                return ""
            case "best_hour":
                return _("at her best hour")
            case Window():
                opens, closes = step.at.times
                return _(
                    "between %(from)s and %(to)s",
                    **{"from": self._clock(opens), "to": self._clock(closes)},
                )
            case _:
                assert_never(step.at)

    def arm(self, step: AnyStep, name: str) -> str:
        """Return what is written on a way out of a branching step."""
        _ = self.words.gettext
        match step:
            case WaitForStep():
                if name == "else":
                    return _("Not within %(time)s", time=self.duration(step.timeout))
                return step.events[int(name.removeprefix("event-"))].on.event
            case BranchStep():
                found = next((arm for arm in step.arms if arm.id == name), None)
                alone = len(step.arms) == 1 and not step.arms[0].label
                if found is None:
                    return _("No") if alone else _("Otherwise")
                return found.label or (_("Yes") if alone else self.conditions.say(found.if_))
            case SplitStep():
                way = next(arm for arm in step.arms if arm.id == name)
                return f"{way.label or readable(way.id)} · {self.words.percent(way.weight / 100)}"
            case RepeatStep():
                return _("Each round")
            case WebhookStep() | ActivityStep():
                return _("Went well") if name == "done" else _("Went wrong")
            case _:
                return readable(name)

    # The journey

    def opens(self, entry: Entry) -> str:
        """Return what opens the journey."""
        return self._openings.say(entry.on)

    def pace(self, entry: Entry) -> str:
        """Return how many enter in how much time when many are due, or nothing when not said."""
        return pace_in_words(entry.pace, self.words) if entry.pace is not None else ""

    def who(self, entry: Entry) -> str:
        """Return which of the customers enter, or nothing when all do."""
        if entry.if_ is None:
            return ""
        return self.words.gettext("If %(condition)s", condition=self.conditions.say(entry.if_))

    def again(self, entry: Entry) -> str:
        """Return when a customer may enter again."""
        _ = self.words.gettext
        again = entry.reentry
        pause = self.duration(again.cooldown) if again.cooldown else ""
        match again.mode:
            case "once":
                return _("Once in a lifetime")
            case "after_exit" if pause:
                return _("Again %(time)s after leaving, at the earliest", time=pause)
            case "after_exit":
                return _("Again after leaving")
            case "per_key" if pause:
                return _(
                    "Once for each %(key)s, again after %(time)s",
                    key=readable(again.key or ""), time=pause,
                )  # fmt: skip
            case "per_key":
                return _("Once for each %(key)s", key=readable(again.key or ""))
            case _:
                assert_never(again.mode)

    def goal(self, goal: Goal) -> str:
        """Return what the journey is for."""
        match = EventMatch(event=goal.event, where=goal.where)
        return self.words.gettext(
            "%(event)s within %(time)s", event=self.event(match), time=self.duration(goal.within)
        )

    def event(self, match: EventMatch) -> str:
        """Return an event's name with what it must say."""
        _ = self.words.gettext
        said = self.words.quote(match.event)
        if match.message is not None:
            said = _("%(event)s (of %(step)s)", event=said, step=self.step_name(match.message))
        if match.where is not None:
            said = _(
                "%(event)s where %(condition)s",
                event=said, condition=self.conditions.say(match.where, of_event=True),
            )  # fmt: skip
        return said

    def duration(self, duration: Duration | str) -> str:
        """Write a duration: 2 days."""
        return _duration(str(duration).removeprefix("-"), str(self.words.locale))

    # Parts

    def _channels(self, step: SendStep) -> str:
        names = [channel_name(channel, self.words) for channel in step.channels]
        return self.words.gettext(", else ").join(names)

    def _template(self, step: SendStep) -> str:
        return self.words.quote(self.template(step) or "…")

    def _rounds(self, step: RepeatStep) -> str:
        times = self.words.ngettext("Repeat once", "Repeat up to %(n)s times", step.times)
        if step.until is None:
            return times
        until = self.conditions.say(step.until)
        return self.words.gettext("%(times)s, until %(condition)s", times=times, condition=until)

    def changes(self, step: UpdateStep) -> list[str]:
        """Return each thing that a step changes: set tier to gold."""
        _ = self.words.gettext
        said = []
        for name, value in step.set.items():
            trait = readable(name)
            match value:
                case None:
                    said.append(_("forget %(trait)s", trait=trait))
                case FromProperty():
                    what = _("the event's %(property)s", property=readable(value.property))
                    said.append(_("set %(trait)s to %(value)s", trait=trait, value=what))
                case _:
                    what = self.words.value(value)
                    said.append(_("set %(trait)s to %(value)s", trait=trait, value=what))
        said += [_("subscribe to %(topic)s", topic=self._topic(one)) for one in step.subscribe]
        said += [_("unsubscribe from %(topic)s", topic=self._topic(o)) for o in step.unsubscribe]
        return said

    def _topic(self, topic: str) -> str:
        return self.words.quote(self.names.topics.get(topic, readable(topic)))

    @staticmethod
    def _first_up(text: str) -> str:
        return text[:1].upper() + text[1:]

    def _call(self, step: WebhookStep) -> str:
        try:
            host = urlsplit(step.url).hostname or ""
        except ValueError:
            host = ""
        if not host or "{" in host:
            return self.words.gettext("Call a web address")
        return self.words.gettext("Call %(host)s", host=host)

    def activity_name(self, activity: str) -> str:
        """Return what a developer's activity is called; its id where no worker has told of it."""
        return self.names.activities.get(activity) or readable(activity)

    def parameters(self, step: ActivityStep) -> str:
        """Return what an activity is given: points: 10."""
        return ", ".join(
            f"{readable(name)}: {self.words.value(value)}"
            for name, value in step.parameters.items()
        )

    def _wait(self, step: WaitStep) -> str:
        _ = self.words.gettext
        if step.for_ is not None:
            return _("Wait %(time)s", time=self.duration(step.for_))
        match step.until:
            case UntilTime(time=at, days=days):
                when = self._clock(at)
                if not days:
                    return _("Wait until %(time)s", time=when)
                return _("Wait until %(time)s %(days)s", time=when, days=self._days(days))
            case UntilTrait(trait=trait, offset=offset, time=at, yearly=yearly):
                said = self._day(readable(trait), offset)
                if yearly:
                    said = _("%(day)s, every year", day=said)
            case UntilProperty(property=name, offset=offset, time=at):
                said = self._day(readable(name), offset)
            case None:
                return _("Wait")
            case _:
                assert_never(step.until)
        if at is not None:
            said = _("%(day)s at %(time)s", day=said, time=self._clock(at))
        return _("Wait until %(time)s", time=said)

    def _day(self, name: str, offset: Duration | None) -> str:
        _ = self.words.gettext
        if offset is None:
            return name
        time_ = self.duration(offset)
        if offset.startswith("-"):
            return _("%(time)s before %(day)s", time=time_, day=name)
        return _("%(time)s after %(day)s", time=time_, day=name)

    def _clock(self, at: time) -> str:
        return str(format_time(at, "short", locale=self.words.locale))

    def _days(self, days: tuple[str, ...]) -> str:
        _ = self.words.gettext
        chosen = sorted({_WEEK.index(day) for day in days})
        if chosen == [0, 1, 2, 3, 4]:
            return _("on weekdays")
        if chosen == [5, 6]:
            return _("on the weekend")
        names = get_day_names("wide", locale=self.words.locale)
        return _("on %(days)s", days=self.words.items([str(names[n]) for n in chosen], style="or"))

    def _segment(self, segment: str) -> str:
        return self.words.quote(self.names.segments.get(segment, segment))

    def template(self, step: SendStep) -> str:
        """Return the name of what a step sends, or of what its first version does."""
        own = (str(one.set["template"]) for one in step.variants if "template" in one.set)
        id_ = step.template or next(own, "")
        return self.names.templates.get(id_, id_)

    def step_name(self, step: str) -> str:
        """Return what a step is called, in quotation marks."""
        found = self._steps.get(step)
        return self.words.quote(found.name if found and found.name else readable(step))


@lru_cache(maxsize=2048)
def _duration(text: str, locale: str) -> str:
    digits = "".join(letter for letter in text if letter.isdigit())
    return str(format_unit(int(digits), _UNITS[text[len(digits) :]], locale=locale))


def readable(name: str) -> str:
    """Return a name without the marks that machines need: `birth_date` is birth date."""
    return name.replace("_", " ").replace("-", " ")
