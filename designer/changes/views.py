"""Changes as the page shows them: a sentence, and what is different."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Any, Final

from designer.words import N_, Words
from engine.model.actor import COMMAND_LINE, OPERATOR, PRODUCT

_KINDS: Final = {
    "journey": N_("Journey"),
    "template": N_("Template"),
    "snippet": N_("Snippet"),
    "topic": N_("Topic"),
    "cap": N_("Frequency cap"),
    "segment": N_("Segment"),
    "coupon_pool": N_("Coupon pool"),
    "workspace": N_("Settings"),
    "hook": N_("Web address told of events"),
    "user": N_("Person"),
    "key": N_("Access key"),
    "import": N_("Import"),
}

_ACTIONS: Final = {
    "create": N_("created"),
    "save": N_("saved"),
    "edit": N_("edited"),
    "undo": N_("an edit undone"),
    "redo": N_("an edit made again"),
    "delete": N_("deleted"),
    "publish": N_("published"),
    "pause": N_("paused"),
    "resume": N_("resumed"),
    "archive": N_("archived"),
    "restore": N_("restored"),
    "make": N_("made"),
    "revoke": N_("revoked"),
    "invite": N_("invited"),
    "change role": N_("given another role"),
    "disable": N_("disabled"),
    "enable": N_("enabled"),
    "change account": N_("account changed"),
    "set password": N_("set a password"),
    "add codes": N_("codes added"),
    "stop": N_("stopped"),
    "upload": N_("file brought"),
    "check": N_("checked"),
    "start": N_("started"),
    "cancel": N_("cancelled"),
    "end customers": N_("customers ended"),
    "move customers": N_("customers moved on"),
    "spare customers": N_("the others left alone"),
    "export customers": N_("customers exported"),
}

_ACTORS: Final = {
    OPERATOR.id: N_("Operator (login link)"),
    COMMAND_LINE.id: N_("Command line"),
    PRODUCT.id: N_("Parcours itself"),
}

_PAGES: Final = {"journey": "/journeys/", "template": "/templates/", "topic": "/topics/",
                 "cap": "/manners/rules/", "import": "/imports/"}  # fmt: skip

_SHOWN: Final = 40
"""Lines of difference that are shown at most; a new journey has hundreds."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference: `sign` is -, + or empty for what stands around."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of a thing, before and after."""

    place: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One change."""

    number: int
    at: datetime
    who: str
    what: str
    action: str
    thing: str
    name: str
    href: str
    kind: str
    differences: list[Difference]
    left_out: int


def rows(items: list[dict[str, Any]], words: Words) -> list[Row]:
    """Return changes as the page shows them."""
    return [_row(item, words) for item in items]


def _row(item: Mapping[str, Any], words: Words) -> Row:
    every = list(differences(item["before"], item["after"], words))
    shown: list[Difference] = []
    lines = 0
    for difference in every:
        if lines >= _SHOWN:
            break
        shown.append(difference)
        lines += len(difference.lines)
    newest = item["after"] or item["before"] or {}
    page = _PAGES.get(item["kind"]) if item["after"] is not None else None
    return Row(
        number=item["id"],
        at=item["at"],
        who=actor_name(item["actor"], item["actor_name"], words),
        what=words.gettext(_KINDS.get(item["kind"], item["kind"])),
        action=words.gettext(_ACTIONS.get(item["action"], item["action"])),
        thing=item["thing_id"],
        name=_name(newest) or ("" if item["kind"] == "workspace" else item["thing_id"]),
        href=f"{page}{item['thing_id']}" if page else "",
        kind=item["kind"],
        differences=shown,
        left_out=len(every) - len(shown),
    )


def _name(document: Mapping[str, Any]) -> str:
    named = {**document.get("draft", {}), **document}
    return str(named.get("name") or named.get("email") or "")


def actor_name(actor: str, name: str, words: Words) -> str:
    """Say who changed something."""
    return words.gettext(_ACTORS[actor]) if actor in _ACTORS else name


def actors(found: Mapping[str, str], words: Words) -> list[tuple[str, str]]:
    """Return everybody who has changed something, for a choice."""
    named = [(actor, actor_name(actor, name, words)) for actor, name in found.items()]
    return sorted(named, key=lambda pair: pair[1].casefold())


def kinds(words: Words) -> list[tuple[str, str]]:
    """Return what can be changed, for a choice."""
    named = [(kind, words.gettext(name)) for kind, name in _KINDS.items()]
    return sorted(named, key=lambda pair: pair[1].casefold())


def differences(before: Any, after: Any, words: Words, place: str = "") -> Iterator[Difference]:
    """Yield each place at which two values differ, in the order of the document."""
    if before == after or (before in (None, "") and after in (None, "")):
        return  # no text and an empty one read alike
    if isinstance(before, dict | None) and isinstance(after, dict | None):
        old, new = before or {}, after or {}
        for key in (*old, *(key for key in new if key not in old)):
            yield from differences(old.get(key), new.get(key), words, _under(place, key))
    elif (
        isinstance(before, list | None) and isinstance(after, list | None) and _deep(before, after)
    ):
        yield from _of_lists(before or [], after or [], words, place)
    else:
        yield Difference(place, tuple(_lines(before, after, words)))


def _of_lists(
    before: list[Any], after: list[Any], words: Words, place: str
) -> Iterator[Difference]:
    """Compare steps and the like by their ids, or else by their places."""
    old, new = _named(before), _named(after)
    for key in (*old, *(key for key in new if key not in old)):
        yield from differences(old.get(key), new.get(key), words, _under(place, key))
    kept_old = [key for key in old if key in new]
    kept_new = [key for key in new if key in old]
    if kept_old != kept_new:
        moved = Line("-", ", ".join(kept_old)), Line("+", ", ".join(kept_new))
        yield Difference(_under(place, words.gettext("order")), moved)


def _named(items: list[Any]) -> dict[str, Any]:
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    if all(ids) and len(set(ids)) == len(ids):
        return {str(id_): item for id_, item in zip(ids, items, strict=True)}
    return {str(number): item for number, item in enumerate(items, 1)}


def _deep(*lists: list[Any] | None) -> bool:
    return any(isinstance(item, dict | list) for items in lists for item in items or ())


def _under(place: str, key: object) -> str:
    return f"{place} → {key}" if place else str(key)


def _lines(before: Any, after: Any, words: Words) -> Iterator[Line]:
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        compared = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
        for line in list(compared)[2:]:
            if line.startswith("@@"):
                continue
            yield Line(line[0].strip(), line[1:])
        return
    for sign, value in (("-", before), ("+", after)):
        if value is not None:
            for line in words.value(value).splitlines() or [""]:
                yield Line(sign, line)
