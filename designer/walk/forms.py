"""The form that says who walks, when, and with which event; and what is chosen of an offer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from designer.canvas.forms.raw import Raw, part, rows, text
from designer.canvas.sentences import readable
from designer.walk.asked import (
    FIRST,
    LAST,
    LONGEST_AFTER,
    LONGEST_NAME,
    MOST_ROWS,
    Asked,
    Did,
    MadeUp,
    plain_json,
)
from designer.walk.offers import compared_with_numbers, event_rows, happenings, result_rows
from designer.walk.rows import Row, local_moment, row, typed, values, whole
from designer.walk.scene import Scene
from designer.words import Words
from engine.errors import InvalidInput
from engine.model.base import CHANNELS
from engine.model.clock import instant_of
from engine.model.duration import Duration
from engine.run.likely import conditions
from engine.run.walked import Answered, CanAnswer, Happens, Walked

UNITS: Final = ("m", "h", "d")
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class DidRow:
    """Something that she has done before, as its row shows it; `properties` are JSON."""

    event: str = ""
    times: str = "1"
    n: str = "1"
    unit: str = "d"
    properties: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoForm:
    """Who walks, when and with what, as texts; `wrong` is what to mend, by field."""

    at: str
    properties: list[Row]
    traits: list[Row]
    channels: frozenset[str]
    topics: list[tuple[str, str, bool]]
    before: list[DidRow]
    wrong: Mapping[str, str] = field(default_factory=dict)


def form_of(asked: Asked, scene: Scene, words: Words) -> WhoForm:
    """Return the form that shows who walks; each list ends in an empty row."""
    numbers, made = _numbers(scene), asked.made
    shown = {name: [row(k, v, number=k in numbers) for k, v in found.items()]
             for name, found in (("traits", made.traits), ("properties", asked.properties))}  # fmt: skip
    before = [
        DidRow(did.event, str(did.times), *_length(did.ago), _json(did.properties))
        for did in made.before
    ]
    names = scene.shown.names.topics
    return WhoForm(
        at=words.local(asked.at).strftime("%Y-%m-%dT%H:%M"),
        properties=_with_spare(shown["properties"]),
        traits=_with_spare(shown["traits"]),
        channels=frozenset(made.channels),
        topics=[(id_, names.get(id_, readable(id_)), yes) for id_, yes in made.topics.items()],
        before=[*before, DidRow()][:MOST_ROWS],
    )


def _with_spare(shown: list[Row]) -> list[Row]:
    return [*shown, Row()][:MOST_ROWS]


def _json(properties: Mapping[str, Any]) -> str:
    return json.dumps(dict(properties), ensure_ascii=False)


def _length(ago: Duration) -> tuple[str, str]:
    digits = "".join(sign for sign in ago if sign.isdigit())
    return digits, ago.removeprefix(digits)


def _numbers(scene: Scene) -> set[str]:
    return compared_with_numbers(list(conditions(scene.journey)))


def read_who(
    raw: Raw, asked: Asked, scene: Scene, words: Words
) -> tuple[Asked | None, WhoForm | None]:
    """Read who walks; with mistakes, the form comes back as it was typed."""
    wrong: dict[str, str] = {}
    numbers = _numbers(scene)
    properties = values(raw.get("properties"), "properties", numbers, wrong, words)
    at = local_moment(text(raw, "at"))
    begins = instant_of(at.date(), at.time(), words.shop.zone) if at is not None else None
    if begins is None or not FIRST <= begins <= LAST:
        wrong["at"] = words.gettext("Choose a day and a time between 2000 and 2100.")
    made = asked.made if asked.customer is not None else _made(raw, asked, numbers, wrong, words)
    if wrong or begins is None:
        return None, replace(_as_typed(raw, asked, scene, words), wrong=wrong)
    return asked.begun_again(at=begins, properties=properties, made=made), None


def _made(raw: Raw, asked: Asked, numbers: set[str], wrong: dict[str, str], words: Words) -> MadeUp:
    chosen = raw.get("channels")
    wanted = {text(one, "id"): text(one, "wanted") == "yes" for one in rows(raw.get("topics"))}
    return MadeUp(
        id=asked.made.id,
        traits=values(raw.get("traits"), "traits", numbers, wrong, words),
        channels=tuple(c for c in CHANNELS if isinstance(chosen, list) and c in chosen),
        topics={topic: wanted.get(topic, False) for topic in asked.made.topics},
        before=_before(raw, wrong, words),
    )


def _before(raw: Raw, wrong: dict[str, str], words: Words) -> tuple[Did, ...]:
    found = []
    for n, one in enumerate(rows(raw.get("before"))[:MOST_ROWS]):
        event = text(one, "event")
        if not event:
            continue
        times, number = whole(text(one, "times"), 100), whole(text(one, "n"), 10_000)
        if len(event) > LONGEST_NAME or "\0" in event:
            wrong[f"before.{n}"] = words.gettext("That is no name of an event.")
        elif not times or number is None or text(one, "unit") not in {*UNITS, "s", "w", "mo", "y"}:
            wrong[f"before.{n}"] = words.gettext(
                "Write whole numbers: how often, from 1 to 100, and how long ago."
            )
        else:
            properties = _properties(text(one, "properties"))
            ago = Duration(f"{number}{text(one, 'unit')}")
            found.append(Did(event=event, times=times, ago=ago, properties=properties))
    return tuple(found)


def _properties(written: str) -> dict[str, Any]:
    """Return what the page has kept of an event; nothing where that is no longer to be read."""
    try:
        found = plain_json(written) if written else {}
    except InvalidInput:
        return {}
    if not isinstance(found, dict) or len(found) > MOST_ROWS:
        return {}
    return {name: value for name, value in found.items() if 0 < len(name) <= LONGEST_NAME}


def _as_typed(raw: Raw, asked: Asked, scene: Scene, words: Words) -> WhoForm:
    shown = form_of(asked, scene, words)
    chosen = raw.get("channels")
    wanted = {text(one, "id"): text(one, "wanted") == "yes" for one in rows(raw.get("topics"))}
    if asked.customer is not None:
        return replace(
            shown, at=text(raw, "at"), properties=typed(raw.get("properties"), shown.properties)
        )
    return WhoForm(
        at=text(raw, "at"),
        properties=typed(raw.get("properties"), shown.properties),
        traits=typed(raw.get("traits"), shown.traits),
        channels=frozenset(chosen if isinstance(chosen, list) else ()),
        topics=[(id_, name, wanted.get(id_, False)) for id_, name, _ in shown.topics],
        before=[
            DidRow(*(text(one, name) for name in ("event", "times", "n", "unit", "properties")))
            for one in rows(raw.get("before"))[:MOST_ROWS]
        ],
    )


def read_event(
    raw: Raw, n: str, walked: Walked, words: Words
) -> tuple[Happens | None, dict[str, str]]:
    """Read an event that is to happen, the `n`th of those that can; or what is wrong, by field.

    Neither where there is no such event here.
    """
    number = whole(n, 1_000)
    several = happenings(walked)
    if number is None or number >= len(several):
        return None, {}
    can = several[number][0]
    wrong: dict[str, str] = {}
    shown = event_rows(several[number], walked.now, words.shop.zone)
    numbers = {one.name for one in shown if one.number}
    properties = values(raw.get("properties"), "properties", numbers, wrong, words)
    after = part(raw, "after")
    count = whole(text(after, "n"), 100_000)
    seconds = (count or 0) * _SECONDS.get(text(after, "unit"), 0)
    if count is None or text(after, "unit") not in _SECONDS or seconds > LONGEST_AFTER:
        wrong["after"] = words.gettext("Write a whole number, of ten years at most.")
    if wrong:
        return None, wrong
    return Happens(
        step=can.step,
        event=can.match.event,
        message=can.match.message,
        properties={name: value for name, value in properties.items() if value is not None},
        after=seconds,
    ), {}


def read_answer(
    raw: Raw, outcome: str, walked: Walked, scene: Scene, words: Words
) -> tuple[Answered | None, dict[str, str]]:
    """Read what is kept of an answer; see `read_event`."""
    can = next((one for one in walked.open if isinstance(one, CanAnswer)), None)
    if can is None or outcome not in {"done", "failed"}:
        return None, {}
    if outcome == "failed":
        return Answered(step=can.step, outcome="failed"), {}
    wrong: dict[str, str] = {}
    shown = result_rows(can, scene.journey, walked.now, words.shop.zone)
    numbers = {one.name for one in shown if one.number}
    kept = values(raw.get("properties"), "properties", numbers, wrong, words)
    if wrong:
        return None, wrong
    told = {name: value for name, value in kept.items() if value is not None}
    return Answered(step=can.step, outcome="done", kept=told), {}
