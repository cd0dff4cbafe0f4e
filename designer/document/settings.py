"""The settings of journeys and steps by their names, and their values in words."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel

from designer.canvas.sentences import Sentences, readable
from designer.views import channel_name
from designer.words import N_, Words
from engine.model.condition import AnyCondition, EventMatch
from engine.model.duration import Duration
from engine.model.journey import Entry, Goal, Reentry, SendStep, Window
from engine.model.opening import AnyOpening

_LABELS: Final = {
    "at": N_("time of day"),
    "body": N_("what is sent along"),
    "channel": N_("channel"),
    "class": N_("kind of message"),
    "event": N_("event"),
    "exits": N_("leaving early"),
    "from": N_("sender"),
    "goal": N_("goal"),
    "headers": N_("headers"),
    "holdout": N_("share held out"),
    "if": N_("condition"),
    "keep": N_("kept of the answer"),
    "label": N_("label"),
    "max_age": N_("how old the event may be"),
    "method": N_("method"),
    "name": N_("name"),
    "note": N_("note"),
    "offer": N_("offer"),
    "on": N_("what opens it"),
    "on_full": N_("when a cap is full"),
    "order": N_("the order"),
    "pace": N_("how many enter in how much time"),
    "preheader": N_("preview text"),
    "priority": N_("priority"),
    "reason": N_("reason"),
    "reentry": N_("who comes back"),
    "retry_for": N_("how long it is tried again"),
    "revenue": N_("where the amount stands"),
    "since": N_("counts what happened since"),
    "subject": N_("subject"),
    "template": N_("template"),
    "timeout": N_("how long it waits"),
    "topic": N_("topic"),
    "url": N_("web address"),
    "variants": N_("versions"),
    "weight": N_("share"),
    "where": N_("which of these events"),
    "within": N_("time for it"),
}
"""A setting without a name here is called as in the document."""

_ITEMS: Final = {
    "variants": N_("version %(name)s"),
    "arms": N_("way %(name)s"),
    "events": N_("waiting for %(name)s"),
    "exits": N_("leaving early on %(name)s"),
}

_CLASSES: Final = {"marketing": N_("marketing"), "transactional": N_("transactional")}
_FULL: Final = {
    "defer": N_("send it later"),
    "skip": N_("do not send it"),
    "next_channel": N_("take the next channel"),
}

_CONDITIONS: Final = get_args(AnyCondition)
_WHOLE: Final = (*_CONDITIONS, *get_args(AnyOpening), EventMatch, Reentry, Window)
_LONGEST: Final = 160
"""How many characters of a text are shown."""


def said_whole(value: object) -> bool:
    """Whether a value is one clause of a sentence, and not compared part by part."""
    return isinstance(value, _WHOLE)


def label(setting: str, words: Words) -> str:
    """Return what people call a setting, within a sentence."""
    return words.gettext(_LABELS[setting]) if setting in _LABELS else readable(setting)


def item_label(setting: str, name: str, words: Words) -> str:
    """Return what people call one of several things of a kind."""
    if setting in _ITEMS:
        return words.gettext(_ITEMS[setting], name=name)
    return f"{label(setting, words)} {name}"


def item_name(item: Any, key: str, words: Words) -> str:
    """Return the name of one of several things: its label, its event, its id."""
    match = getattr(item, "on", None)
    if isinstance(match, EventMatch):
        return words.quote(match.event)
    return str(getattr(item, "label", None) or readable(key))


def shown(value: Any, setting: str, holder: BaseModel, sentences: Sentences) -> str:
    """Return a setting's value in words; nothing for one that is not set."""
    match setting, holder:
        case "reentry", Entry():
            return sentences.again(holder)
        case "pace", Entry():
            return sentences.pace(holder)
        case "on", Entry():
            return sentences.opens(holder)
        case "at", SendStep():
            return sentences.when(holder) or sentences.words.gettext("at any time")
        case _ if value is None or value in ("", (), [], {}):
            return ""
        case _:
            return _short(_known(value, setting, sentences))


def _known(value: Any, setting: str, sentences: Sentences) -> str:
    words, names = sentences.words, sentences.names
    match setting:
        case "template":
            return words.quote(names.templates.get(str(value), str(value)))
        case "topic":
            return words.quote(names.topics.get(str(value), str(value)))
        case "channel":
            channels = [value] if isinstance(value, str) else value
            called = [channel_name(one, words) for one in channels]
            return words.gettext(", else ").join(called)
        case "weight" | "holdout":
            return words.percent(value / 100)
        case "since":
            return sentences.step_name(str(value))
        case "order":
            return words.items([readable(name) for name in value])
        case "class" if value in _CLASSES:
            return words.gettext(_CLASSES[value])
        case "on_full" if value in _FULL:
            return words.gettext(_FULL[value])
        case _:
            return _any(value, setting, sentences)


def _any(value: Any, setting: str, sentences: Sentences) -> str:
    words = sentences.words
    match value:
        case Duration():
            return sentences.duration(value)
        case str():
            return words.quote(value)
        case _ if isinstance(value, _CONDITIONS):
            return sentences.conditions.say(value, of_event=setting == "where")
        case EventMatch():
            return sentences.event(value)
        case Goal():
            return sentences.goal(value)
        case BaseModel():
            return words.value(value.model_dump(mode="json", by_alias=True, exclude_unset=True))
        case Mapping() | list() | tuple() | _:
            return words.value(value)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
