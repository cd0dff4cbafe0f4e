"""What a condition builder says as it is being filled: in a sentence, and of how many customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from designer.canvas.conditions import ConditionWords
from designer.canvas.forms.builders import Builder
from designer.canvas.forms.conditions import condition_of, open_fields
from designer.canvas.forms.raw import Raw, rows
from designer.words import Words
from engine.flow.sampling import Sampled
from engine.model.condition import AnyCondition, Condition

_CONDITION: Final[TypeAdapter[AnyCondition]] = TypeAdapter(Condition)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a builder says; `open` when something of it is not filled yet.

    `examples` are customers of whom it holds: id and name.
    """

    sentence: str = ""
    open: bool = False
    count: str = ""
    examples: Sequence[tuple[str, str]] = ()


def complete(group: Raw) -> AnyCondition | None:
    """Return the condition of a builder, None while any of its fields is open."""
    document = condition_of(group)
    if document is None or any(True for _ in open_fields(group, "")):
        return None
    try:
        return _CONDITION.validate_python(document)
    except ValidationError:
        return None


def filled(group: Raw) -> AnyCondition | None:
    """Return the condition of those rows of a builder that are complete."""
    listed = rows(group.get("rows"))
    done = [row for row in listed if complete({"join": "all", "rows": [row]}) is not None]
    return complete({**group, "rows": done})


def sentence(condition: AnyCondition, builder: Builder, said: ConditionWords, words: Words) -> str:
    """Say a builder's condition in a sentence."""
    _ = words.gettext
    clause = said.say(condition, of_event=builder.event is not None)
    if builder.event:
        event = words.quote(builder.event)
        return _("%(event)s counts only when %(condition)s.", event=event, condition=clause)
    return clause[:1].upper() + clause[1:] + "."


def counted(found: Sampled, words: Words) -> str:
    """Say for how many customers a condition holds, and how many were looked at."""
    _, number = words.gettext, words.number
    matching, looked, total = number(found.matching), number(found.looked), number(found.total)
    if found.looked == 0:
        if found.total:
            return _("Looking at the customers takes too long to count them here.")
        return _("There is no customer yet.")
    if found.looked == found.total:
        share = words.percent(found.share)
        return _(
            "Now: %(n)s of %(total)s customers (%(share)s)", n=matching, total=total, share=share
        )
    told: dict[str, Any] = {"share": about(found.share, words), "looked": looked, "total": total}
    if found.looked < found.wanted:
        return _(
            "Now: %(share)s of the customers. Looked at %(looked)s of %(total)s: more would "
            "take too long.",
            **told,
        )
    return _("Now: %(share)s of the customers. Looked at %(looked)s of %(total)s.", **told)


def about(share: float, words: Words) -> str:
    """Write a share of a sample, in whole percent; what is found in none may be in some."""
    _ = words.gettext
    if not share:
        return _("none")
    if share < 0.01:
        return _("less than %(share)s", share=words.percent(0.01))
    return _("about %(share)s", share=words.percent(share))
