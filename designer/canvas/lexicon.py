"""What a form's rows may name, and of what kind its values are: read by `static/js/builder.js`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from designer.words import N_
from engine.compile.known import outcomes
from engine.model.activity import ActivityType
from engine.model.journey import ActivityStep, AnyStep, WebhookStep
from engine.model.schema import resolved
from engine.store.vocabulary import Kind, Vocabulary

FITS: Final[Mapping[str, str]] = {
    "eq": "text number yes_no date",
    "ne": "text number yes_no date",
    "in": "text number",
    "nin": "text number",
    "gte": "number",
    "lte": "number",
    "gt": "number",
    "lt": "number",
    "contains": "text list",
    "starts_with": "text",
    "before": "date",
    "after": "date",
    "within": "date",
    "older_than": "date",
    "older_than_trait": "date",
    "top": "number",
    "bottom": "number",
}
"""The kinds of values that an operator is for; one that is not here is for all."""

COMPARISONS: Final = (
    ("eq", N_("is")),
    ("ne", N_("is not")),
    ("in", N_("is one of")),
    ("nin", N_("is none of")),
    ("gte", N_("is at least")),
    ("lte", N_("is at most")),
    ("gt", N_("is more than")),
    ("lt", N_("is less than")),
    ("contains", N_("contains")),
    ("starts_with", N_("begins with")),
    ("before", N_("lies before the day")),
    ("after", N_("lies after the day")),
    ("within", N_("lies within the last")),
    ("older_than", N_("lies at least this long back")),
    ("older_than_trait", N_("lies as long back as another value says")),
    ("top", N_("is among the highest")),
    ("bottom", N_("is among the lowest")),
    ("known", N_("is known")),
    ("unknown", N_("is not known")),
)
MADE: Final = (
    ("sum", N_("the sum of")),
    ("avg", N_("the average")),
    ("min", N_("the lowest")),
    ("max", N_("the highest")),
    ("distinct", N_("how many different")),
    ("first", N_("the first")),
    ("last", N_("the last")),
)

_OF_SCHEMA: Final[Mapping[str, Kind]] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "yes_no",
    "array": "list",
}


def lexicon(words: Vocabulary) -> str:
    """Return, as JSON, every name of the shop's data with its kind; empty where that is not plain."""
    return json.dumps(
        {
            "traits": {name: words.trait_kinds.get(name, "") for name in words.traits},
            "properties": {
                event: {name: words.property_kinds.get(event, {}).get(name, "") for name in names}
                for event, names in words.properties.items()
            },
        },
        ensure_ascii=False,
    )


def of_steps(before: Iterable[AnyStep], activities: Mapping[str, ActivityType]) -> str:
    """Return, as JSON, what can be asked of the steps that came before."""
    steps = list(before)
    return json.dumps(
        {
            "kept": {step.id: kept for step in steps if (kept := _kept(step, activities))},
            "outcomes": {step.id: outcomes(step) for step in steps},
        },
        ensure_ascii=False,
    )


def _kept(step: AnyStep, activities: Mapping[str, ActivityType]) -> dict[str, str]:
    match step:
        case WebhookStep():
            return dict.fromkeys(step.keep, "")
        case ActivityStep() if step.activity in activities:
            schema: Mapping[str, Any] = activities[step.activity].result
            return {
                name: _OF_SCHEMA.get(str(resolved(schema, one).get("type")), "")
                for name, one in schema.get("properties", {}).items()
            }
        case _:
            return {}
