"""The trace of a run, told in sentences: what happened, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from designer.canvas.conditions import aggregated, reachable, subscribed
from designer.canvas.sentences import Sentences, readable
from designer.messages.reasons import ON_THE_WAY, on_the_way, reason
from designer.words import N_, Words
from engine.model.base import CHANNELS
from engine.model.condition import StepWas
from engine.model.journey import AnyStep, SendStep

_FAILED_CALLS: Final = {
    "refused": N_("the other side refused it"),
    "redirected": N_("the address has moved"),
    "not_allowed": N_("the address cannot be called from here"),
    "not_reached": N_("the other side cannot be reached"),
    "not_answered": N_("the other side did not answer in time"),
    "busy": N_("the other side has a problem or is busy"),
    "template_error": N_("a text of the step has a mistake"),
    "secret_missing": N_("a secret that the step uses is not set"),
    "no_result": N_("it ended without a result"),
    "not_done": N_("it did not succeed in the time that it had"),
    "gave_up": N_("it gave up"),
    "raised": N_("it failed again and again"),
    "bad_parameters": N_("what it was given is not what it wants"),
    "bad_result": N_("its result is not what it promised"),
}

_EXPLAINED: Final = frozenset({"gave_up", "bad_parameters", "bad_result"})
"""What is told with the developer's own words."""

_REFUSED: Final = {
    "late": N_("it came too late: the event, or the date, was too long ago"),
    "condition": N_("the entry's condition did not hold"),
    "no_key": N_("the event lacks what tells entries apart"),
    "once": N_("nobody enters twice"),
    "running": N_("was inside already"),
    "cooldown": N_("left too recently"),
    "paused": N_("the journey was paused"),
    "not_live": N_("the journey is not published"),
}

_ENDS: Final = {
    "completed": N_("came to the end"),
    "window_over": N_("the time to compare in is over"),
    "exit": N_("left"),
    "archived": N_("the journey was archived"),
    "merged": N_("she was merged with a customer who is in it already"),
}

_ICONS: Final = {
    "entered": "zap", "held_out": "users", "reached": "chevron-right", "chose": "git-branch",
    "drew": "split", "waits": "clock", "passed": "chevron-right", "received": "activity",
    "timed_out": "hourglass", "hurried": "corner-down-right", "sent": "send", "skipped": "ban", "failed": "circle-alert",
    "unknown": "info", "called": "globe", "call_failed": "circle-alert", "call_late": "info",
    "deferred": "clock", "moved": "shuffle", "missing": "triangle-alert", "no_best_hour": "clock",
    "sent_again": "send", "round": "repeat", "repeated": "repeat", "updated": "user",
    "started": "route", "not_started": "ban", "too_deep": "triangle-alert",
    "held": "pause", "resumed": "play", "goal": "target", "ended": "log-out",
    "refused": "ban", "happened": "activity",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One decision in words; `what` is its kind, `step` the step that it is about."""

    at: datetime
    icon: str
    text: str
    why: str
    what: str = ""
    step: str | None = None


def refusal(words: Words, given: str) -> str:
    """Say why somebody did not enter."""
    return words.gettext(_REFUSED[given]) if given in _REFUSED else readable(given)


def ending(words: Words, given: str | None) -> str:
    """Say how a run ended."""
    if not given:
        return ""
    return words.gettext(_ENDS[given]) if given in _ENDS else readable(given)


_BECAUSE: Final = {
    "happened": N_("nothing comes of it"),
    "held": N_("the journey was paused when this was due"),
    "passed": N_("the moment had passed already"),
    "hurried": N_("somebody ended the wait before its time"),
    "resumed": N_("the pause is over"),
    "sent_again": N_("nobody knew whether it arrived"),
    "too_deep": N_("too much would have followed from one event"),
}
"""Why something happened that always has the same cause."""


class Teller:
    """Tells the decisions of runs of one version of a journey."""

    def __init__(self, sentences: Sentences, steps: Mapping[str, AnyStep]) -> None:
        self._sentences = sentences
        self._words = sentences.words
        self._steps = steps

    def tell(self, trace: Sequence[Mapping[str, Any]]) -> list[Told]:
        """Return the decisions in words; arriving somewhere is left out where more follows."""
        told = []
        for n, entry in enumerate(trace):
            following = trace[n + 1] if n + 1 < len(trace) else None
            if (
                entry["what"] == "reached"
                and following is not None
                and following["step"] == entry["step"]
                and following["what"] != "ended"
            ):
                continue
            told.append(self._one(entry))
        return told

    def _one(self, entry: Mapping[str, Any]) -> Told:
        data = entry["data"] or {}
        icon = _ICONS.get(entry["what"], "info")
        text, why = self._text(entry, data), self._why(entry["what"], data)
        return Told(entry["at"], icon, text, why, entry["what"], entry["step"])

    def _text(self, entry: Mapping[str, Any], data: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        step = self._step(entry["step"])
        match entry["what"]:
            case "reached":
                return _("Came to %(step)s", step=step)
            case "chose":
                return _("%(step)s: %(way)s", step=step, way=self._arm(entry["step"], data))
            case "drew":
                way = self._arm(entry["step"], data)
                return _("%(step)s: by chance %(way)s", step=step, way=way)
            case "waits":
                return _("%(step)s: until %(time)s", step=step, time=self._instant(data))
            case "passed":
                return _("%(step)s: did not wait", step=step)
            case "timed_out":
                return _("%(step)s: nothing happened in time", step=step)
            case "sent" | "skipped" | "failed" | "unknown" | "deferred" as what:
                return self._message(what, step, data)
            case what if what in ON_THE_WAY:
                return _("%(step)s: %(what)s", step=step, what=on_the_way(self._words, what, data))
            case "called":
                return _("%(step)s: went well", step=step)
            case "call_failed":
                return _("%(step)s: went wrong", step=step)
            case "call_late":
                return _("%(step)s: the answer came when it was not needed any more", step=step)
            case what:
                said = self._passage(str(what), data) or self._done(str(what), step, data)
                return said or f"{readable(str(what))} {step}".strip()

    def _passage(self, what: str, data: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        event = self._words.quote(str(data.get("event", "")))
        match what:
            case "entered":
                return _("Entered the journey")
            case "held_out":
                return _("Held out to compare with: receives nothing")
            case "received" | "happened":
                return _("%(event)s happened", event=event)
            case "goal":
                return _("Reached the goal: %(event)s", event=event)
            case "ended":
                why = ending(self._words, data.get("reason"))
                return _("Left the journey: %(reason)s", reason=why)
            case _:
                return ""

    def _done(self, what: str, step: str, data: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        match what:
            case "round":
                return _("%(step)s: round %(n)s", step=step, n=data.get("round", ""))
            case "repeated" if data.get("outcome") == "stopped":
                return _("%(step)s: no more rounds are needed", step=step)
            case "repeated":
                return _("%(step)s: every round is over", step=step)
            case "hurried":
                return _("%(step)s: moved on by hand", step=step)
            case "updated" | "started":
                return step
            case "not_started":
                return _("%(step)s: did not enter", step=step)
            case "too_deep":
                return _("%(step)s: not done", step=step)
            case _:
                return ""

    def _message(self, what: str, step: str, data: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        match what:
            case "sent":
                return _("%(step)s: sent", step=step)
            case "skipped":
                return _("%(step)s: not sent", step=step)
            case "failed":
                return _("%(step)s: refused by the provider", step=step)
            case "deferred":
                return _("%(step)s: put off until %(time)s", step=step, time=self._instant(data))
            case _:
                return _("%(step)s: nobody knows whether it arrived", step=step)

    def _why(self, what: str, data: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        match what:
            case "entered" | "chose" | "repeated":
                return self.seen(data.get("seen") or {})
            case "happened":
                seen = self.seen(data.get("seen") or {})
                return (
                    _("nothing comes of it: %(reason)s", reason=seen) if seen else _(_BECAUSE[what])
                )
            case "not_started":
                return refusal(self._words, str(data.get("reason")))
            case "started" if data.get("reason") == "told_only":
                return _("in a walk this is told only: nobody enters it")
            case "passed" if data.get("reason") == "no_date":
                return _("the date is not known")
            case "held" if data.get("reason") == "archived":
                return _("the journey was archived when this was due")
            case "sent" | "skipped" | "failed" | "unknown" | "deferred" | "moved":
                return reason(
                    self._words, data.get("reason"), self._sentences.names, rule=data.get("rule")
                )
            case "call_failed":
                return self._failed_call(data)
            case "goal" if data.get("revenue"):
                return self._words.money(float(data["revenue"]))
            case "ended" if data.get("event"):
                event = self._words.quote(str(data["event"]))
                return _("%(event)s happened", event=event)
            case _:
                return _(_BECAUSE.get(what, ""))

    def _failed_call(self, data: Mapping[str, Any]) -> str:
        given = str(data.get("reason") or "")
        said = self._words.gettext(_FAILED_CALLS[given]) if given in _FAILED_CALLS else given
        if given in _EXPLAINED and data.get("detail"):
            return self._words.gettext("%(where)s: %(what)s", where=said, what=data["detail"])
        return f"{said} ({data['status']})" if data.get("status") else said

    def seen(self, answers: Mapping[str, Any]) -> str:
        """Say what a decision saw."""
        _ = self._words.gettext
        said = []
        for question, answer in answers.items():
            kind, _space, name = question.partition(" ")
            said.append(self._answer(kind, name, answer))
        return _("; ").join(said)

    def _answer(self, kind: str, name: str, answer: Any) -> str:
        words = self._words
        _ = words.gettext
        match kind:
            case "trait" | "property":
                return self._is(readable(name), answer)
            case "event":
                event = words.quote(name)
                if not answer:
                    return _("%(event)s has not happened", event=event)
                return words.ngettext(
                    "%(event)s has happened %(n)s time", "%(event)s has happened %(n)s times",
                    int(answer), event=event,
                )  # fmt: skip
            case "sum" | "avg" | "min" | "max" | "distinct" | "first" | "last":
                of, _space, event = name.partition(" of ")
                return self._is(aggregated(kind, readable(of), words.quote(event), words), answer)
            case "result":
                step, _space, part = name.partition(" ")
                called = self._sentences.step_name(step)
                return self._is(_("%(name)s of %(step)s", name=readable(part), step=called), answer)
            case "segment":
                segment = words.quote(self._sentences.names.segments.get(name, name))
                if answer:
                    return _("the customer is in %(segment)s", segment=segment)
                return _("the customer is not in %(segment)s", segment=segment)
            case "reachable" if name in CHANNELS:
                return reachable(name, words, holds=bool(answer))
            case "subscribed":
                topic, _space, channel = name.partition(" ")
                wanted = words.quote(readable(topic))
                return subscribed(wanted, channel or None, words, holds=bool(answer))
            case "step":
                if answer:
                    came = StepWas.model_validate({"step": name, "is": str(answer)})
                    return self._sentences.conditions.say(came)
                return _("%(step)s: %(what)s", step=self._sentences.step_name(name), what="—")
            case _:
                return f"{readable(name)}: {words.value(answer)}"

    def _is(self, what: str, answer: Any) -> str:
        _ = self._words.gettext
        if answer is None:
            return _("%(what)s is not known", what=what)
        return _("%(what)s is %(value)s", what=what, value=self._words.value(answer))

    def _step(self, step: str | None) -> str:
        if step is None:
            return ""
        found = self._steps.get(step)
        return self._sentences.title(found) if found is not None else readable(step)

    def _arm(self, step: str | None, data: Mapping[str, Any]) -> str:
        found = self._steps.get(step or "")
        arm = str(data.get("arm", ""))
        if found is None or isinstance(found, SendStep):
            return self._words.quote(readable(arm))
        try:
            return self._words.quote(self._sentences.arm(found, arm))
        except (StopIteration, ValueError, IndexError):  # a way of another version
            return self._words.quote(readable(arm))

    def _instant(self, data: Mapping[str, Any]) -> str:
        try:
            return self._words.moment(datetime.fromisoformat(str(data.get("until"))))
        except ValueError:
            return "—"
