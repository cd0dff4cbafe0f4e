"""What is different between two states of a journey, in sentences.

The settings of steps are compared field by field, whatever their type: a new type of step, or a
new setting, is told by its name without a word of code here. What reads badly so, is shaped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from designer.canvas.sentences import Sentences
from designer.document.settings import item_label, item_name, label, said_whole, shown
from designer.words import Words
from engine.compile.compiler import content_hash
from engine.model.base import Frozen
from engine.model.journey import (
    AnyStep,
    Journey,
    StepBase,
    WaitStep,
    arms,
    walk,
)
from engine.store.drafts import Names

_TRANSPARENT: Final = frozenset({"entry", "set"})
"""What a sentence need not name to be understood."""
_LEFT_OUT: Final = frozenset({"id", "type", "format"})
NEW, GONE, MOVED, CHANGED = "plus", "minus", "shuffle", "file-text"
"""The icons of changes, which tell their kinds."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `step` is the one to look at, in the newer journey when it is there."""

    icon: str
    text: str
    step: str = ""


NOTHING: Final = "—"
"""How a value is shown that is written, and is none: a trait to be forgotten."""


@dataclass(frozen=True, slots=True)
class _Other:
    """A setting that is another: its name, the values, and the models that hold them.

    `within` are the things that it belongs to, each as a kind and one of that kind. Without a
    setting the last of these is itself new, or gone.
    """

    within: tuple["_Item", ...]
    setting: str
    old: Any
    new: Any
    holders: tuple[BaseModel, BaseModel]


@dataclass(frozen=True, slots=True)
class _Item:
    kind: str
    key: str
    value: Any


def differences(new: Journey, old: Journey, *, names: Names, words: Words) -> list[Change]:
    """Say what is different in `new`; journeys of the same content give nothing."""
    if content_hash(new) == content_hash(old):
        return []
    told = _Told(new, old, names, words)
    changes = [*told.journey(), *told.steps()]
    if not changes:
        text = words.gettext("The document says the same in another way")
        changes.append(Change(CHANGED, text))
    return changes


class _Told:
    def __init__(self, new: Journey, old: Journey, names: Names, words: Words) -> None:
        self.words = words
        self.new, self.old = new, old
        self.says = (Sentences(words, old, names), Sentences(words, new, names))
        self.after = {step.id: step for step in walk(new.steps)}
        self.before = {step.id: step for step in walk(old.steps)}

    # The journey

    def journey(self) -> Iterator[Change]:
        """Tell the settings of the journey as a whole."""
        for other in _others(self.old, self.new):
            yield Change(CHANGED, self._sentence(other, ""))

    # Its steps

    def steps(self) -> Iterator[Change]:
        """Tell the steps that are new, gone, moved or changed, in the order of the document."""
        _ = self.words.gettext
        was, stands = _places(self.old), _places(self.new)
        moved = _moved(was, stands)
        for name, step in self.after.items():
            called = self.words.quote(self.says[1].title(step))
            if name not in self.before:
                where = self._where(name, stands)
                yield Change(
                    NEW, _("Step %(step)s is new, %(where)s", step=called, where=where), name
                )
                continue
            if name in moved:
                where = self._where(name, stands)
                yield Change(
                    MOVED,
                    _("Step %(step)s has moved: it comes %(where)s", step=called, where=where),
                    name,
                )
            yield from self._changed(self.before[name], step)
        for name, step in self.before.items():
            if name not in self.after:
                called = self.words.quote(self.says[0].title(step))
                yield Change(GONE, _("Step %(step)s is gone", step=called), name)

    def _where(self, name: str, places: Mapping[str, "_Place"]) -> str:
        _ = self.words.gettext
        place, says = places[name], self.says[1]
        way = ""
        if place.parent:
            parent = self.after[place.parent]
            arm, step = says.arm(parent, place.arm), self._called(parent, 1)
            way = _("%(way)s of %(step)s", way=self.words.quote(arm), step=self.words.quote(step))
        if place.after:
            before = self.words.quote(self._called(self.after[place.after], 1))
            if not way:
                return _("after %(step)s", step=before)
            return _("after %(step)s, on the way %(way)s", step=before, way=way)
        return _("first on the way %(way)s", way=way) if way else _("at the beginning")

    def _changed(self, old: AnyStep, new: AnyStep) -> Iterator[Change]:
        _ = self.words.gettext
        called = self._called(old, 0)
        if type(old) is not type(new):
            kinds = {"old": self.says[0].kind(old).name, "new": self.says[1].kind(new).name}
            text = _("%(step)s: was %(old)s, is %(new)s", step=called, **kinds)
            text = text if kinds["old"] != kinds["new"] else self._alike(called, "")
            yield Change(CHANGED, text, new.id)
            return
        if isinstance(old, WaitStep) and isinstance(new, WaitStep):
            yield from self._waits(old, new, called)
        for other in _others(old, new):
            if not (isinstance(new, WaitStep) and other.setting in {"for", "until"}):
                yield Change(CHANGED, self._sentence(other, called), new.id)

    def _waits(self, old: WaitStep, new: WaitStep, called: str) -> Iterator[Change]:
        _ = self.words.gettext
        if (old.for_, old.until) == (new.for_, new.until):
            return
        if old.for_ is not None and new.for_ is not None:
            values = {
                "old": self.says[0].duration(old.for_),
                "new": self.says[1].duration(new.for_),
            }
            text = _("%(step)s: waits %(new)s, was %(old)s", step=called, **values)
        else:
            values = {"old": self.says[0].does(old), "new": self.says[1].does(new)}
            text = _("%(step)s: “%(new)s” instead of “%(old)s”", step=called, **values)
        if values["old"] == values["new"]:
            text = self._alike(called, _("until when it waits"))
        yield Change(CHANGED, text, new.id)

    def _called(self, step: AnyStep, which: int) -> str:
        return step.name or self.says[which].title(step)

    # One setting

    def _sentence(self, other: _Other, called: str) -> str:
        _ = self.words.gettext
        parts = [called, *(self._item(item) for item in other.within)]
        begins = self._in_turn(*parts)
        if not other.setting:
            what = _capital(begins)
            is_new = other.new is not None
            return _("%(what)s is new", what=what) if is_new else _("%(what)s is gone", what=what)
        old, new = (
            shown(value, other.setting, holder, says)
            for value, holder, says in zip(
                (other.old, other.new), other.holders, self.says, strict=True
            )
        )
        if other.setting == "weight" and old != new:
            return _("%(what)s: %(new)s instead of %(old)s", what=begins, new=new, old=old)
        named = label(other.setting, self.words)
        return self._was(_capital(self._in_turn(begins, named)), old, new)

    def _was(self, what: str, old: str, new: str) -> str:
        _ = self.words.gettext
        if old == new:
            return self._alike(what, "")
        if not old:
            return _("%(what)s is now %(new)s", what=what, new=new)
        if not new:
            return _("%(what)s was %(old)s, is left out", what=what, old=old)
        return _("%(what)s was %(old)s, is %(new)s", what=what, old=old, new=new)

    def _in_turn(self, *parts: str) -> str:
        """Say where something is, from the outside in."""
        _, said = self.words.gettext, ""
        for part in filter(None, parts):
            said = _("%(where)s: %(what)s", where=said, what=part) if said else part
        return said

    def _item(self, item: _Item) -> str:
        if not item.key:
            return label(item.kind, self.words)
        name = item_name(item.value, item.key, self.words)
        return item_label(item.kind, name, self.words)

    def _alike(self, called: str, what: str) -> str:
        named = self._in_turn(called, what)
        return self.words.gettext("%(what)s is set in another way", what=named)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# Places


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step stands: on which way of which step, and after which one."""

    parent: str
    arm: str
    after: str


def _places(journey: Journey) -> dict[str, _Place]:
    found: dict[str, _Place] = {}

    def place(steps: Sequence[AnyStep], parent: str, arm: str) -> None:
        after = ""
        for step in steps:
            found[step.id] = _Place(parent, arm, after)
            after = step.id
            for name, inner in arms(step):
                place(inner, step.id, name)

    place(journey.steps, "", "")
    return found


def _moved(was: Mapping[str, _Place], stands: Mapping[str, _Place]) -> set[str]:
    """Return the steps on another way, and as few others as explain the new order."""
    ways: dict[tuple[str, str], list[str]] = {}
    ranks = {name: n for n, name in enumerate(was)}
    moved = set()
    for name, place in stands.items():
        if name not in was:
            continue
        if (place.parent, place.arm) == (was[name].parent, was[name].arm):
            ways.setdefault((place.parent, place.arm), []).append(name)
        else:
            moved.add(name)
    for names in ways.values():
        stay = _rising([ranks[name] for name in names])
        moved |= {name for name in names if ranks[name] not in stay}
    return moved


def _rising(numbers: Sequence[int]) -> set[int]:
    """Return the longest part of a sequence that rises."""
    best: list[set[int]] = []
    for n, number in enumerate(numbers):
        before = [best[m] for m in range(n) if numbers[m] < number]
        best.append(_longest(before) | {number})
    return _longest(best)


def _longest(some: Sequence[set[int]]) -> set[int]:
    found: set[int] = set()
    for one in some:
        found = one if len(one) > len(found) else found
    return found


# Settings


def _others(old: BaseModel, new: BaseModel, within: tuple[_Item, ...] = ()) -> Iterator[_Other]:
    """Yield the settings of two models of one class that differ, those of inner steps left out."""
    for name, field in type(new).model_fields.items():
        key = field.alias or name
        if key in _LEFT_OUT or _holds_steps(type(new), name):
            continue
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield from _other(key, before, after, within, (old, new))


def _other(
    key: str, old: Any, new: Any, within: tuple[_Item, ...], holders: tuple[BaseModel, BaseModel]
) -> Iterator[_Other]:
    if _opens_up(old) and type(old) is type(new):
        here = () if key in _TRANSPARENT else (_Item(key, "", new),)
        yield from _others(old, new, (*within, *here))
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and key != "body":
        here = () if key in _TRANSPARENT else (_Item(key, "", new),)
        for name in [*new, *(name for name in old if name not in new)]:
            before, after = _entry(old, name), _entry(new, name)
            if before != after:
                yield _Other((*within, *here), name, before, after, holders)
    elif isinstance(old, tuple) and isinstance(new, tuple) and all(map(_opens_up, [*old, *new])):
        yield from _several(key, _by_name(old), _by_name(new), within, holders)
    else:
        yield _Other(within, key, old, new, holders)


def _entry(mapping: Mapping[str, Any], name: str) -> Any:
    """Return what a mapping says by a name: that it says “nothing” is something, too."""
    value = mapping.get(name)
    return NOTHING if value is None and name in mapping else value


def _several(
    key: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    within: tuple[_Item, ...],
    holders: tuple[BaseModel, BaseModel],
) -> Iterator[_Other]:
    for name, item in new.items():
        here = (*within, _Item(key, name, item))
        if name not in old:
            yield _Other(here, "", None, item, holders)
        elif old[name] != item:
            yield from _others(old[name], item, here)
    for name, item in old.items():
        if name not in new:
            yield _Other((*within, _Item(key, name, item)), "", item, None, holders)
    kept = [name for name in new if name in old]
    if kept != [name for name in old if name in new]:
        yield _Other((*within, _Item(key, "", new)), "order", list(old), list(new), holders)


def _opens_up(value: Any) -> bool:
    """Whether a value is compared by its parts: not what is said in one breath."""
    return isinstance(value, Frozen) and not said_whole(value)


def _by_name(items: Sequence[Any]) -> dict[str, Any]:
    """Return the items of a list by their id or event, with a number where it is there before."""
    found: dict[str, Any] = {}
    for n, item in enumerate(items, 1):
        match = getattr(item, "on", None)
        name = str(getattr(item, "id", None) or getattr(match, "event", n))
        found[name if name not in found else f"{name} {n}"] = item
    return found


@cache
def _holds_steps(model: type[BaseModel], name: str) -> bool:
    return any(_is_step(part) for part in _parts(model.model_fields[name].annotation))


def _is_step(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StepBase)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
