"""From the schema of an activity's parameters to the fields of a form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from engine.model.duration import Duration
from engine.model.schema import resolved

Kind = Literal["text", "long_text", "number", "integer", "boolean", "choice", "duration", "other"]

_LONG: Final = 200
"""A text that may be longer than this gets several lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter as a form asks for it.

    `other` is a list or a mapping, for which the document's own editor is the place. `choices`
    are what a `choice` offers. A text may always be a template instead of what its kind says.
    """

    name: str
    title: str
    help: str = ""
    kind: Kind = "text"
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The choices as a form offers them."""
        return [(str(one), str(one)) for one in self.choices]


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    """Return the fields of a schema's properties, in its order."""
    required = schema.get("required", ())
    return [
        _field(schema, name, one, required=name in required)
        for name, one in schema.get("properties", {}).items()
    ]


def _field(root: Mapping[str, Any], name: str, given: Any, *, required: bool) -> Field:
    said = _plain(root, given)
    kind, choices = _kind(said)
    bounds = kind in {"number", "integer"}
    return Field(
        name=name,
        title=str(said.get("title") or name.replace("_", " ").capitalize()),
        help=str(said.get("description") or ""),
        kind=kind,
        required=required,
        default=said.get("default"),
        choices=choices,
        minimum=_least(said, kind) if bounds else None,
        maximum=_most(said, kind) if bounds else None,
    )


def _plain(root: Mapping[str, Any], given: Any) -> Mapping[str, Any]:
    """Follow references, and leave out that a value may be nothing."""
    said = resolved(root, given)
    for key in ("anyOf", "oneOf", "allOf"):
        choices = [resolved(root, one) for one in said.get(key, ())]
        real = [one for one in choices if one.get("type") != "null"]
        if len(real) == 1:
            outer = {name: value for name, value in said.items() if name != key}
            return {**_plain(root, real[0]), **outer}
    if isinstance(kinds := said.get("type"), list):
        real_kinds = [kind for kind in kinds if kind != "null"]
        return {**said, "type": real_kinds[0] if len(real_kinds) == 1 else kinds}
    return said


def _kind(said: Mapping[str, Any]) -> tuple[Kind, tuple[Any, ...]]:
    if "enum" in said:
        return "choice", tuple(one for one in said["enum"] if one is not None)
    if "const" in said:
        return "choice", (said["const"],)
    match said.get("type"):
        case "boolean":
            return "boolean", ()
        case "integer":
            return "integer", ()
        case "number":
            return "number", ()
        case "string" if said.get("pattern") == Duration.pattern:
            return "duration", ()
        case "string" if (said.get("maxLength") or 0) > _LONG:
            return "long_text", ()
        case "string":
            return "text", ()
        case _:
            return "other", ()


def _least(said: Mapping[str, Any], kind: Kind) -> float | None:
    above = said.get("exclusiveMinimum")
    if above is not None and kind == "integer":
        return float(above) + 1
    found = said.get("minimum", above)
    return None if found is None else float(found)


def _most(said: Mapping[str, Any], kind: Kind) -> float | None:
    below = said.get("exclusiveMaximum")
    if below is not None and kind == "integer":
        return float(below) - 1
    found = said.get("maximum", below)
    return None if found is None else float(found)
