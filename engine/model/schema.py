"""Values against JSON schemas, as far as a form or an interface needs it.

Known are: type, enum, const, properties, required, additionalProperties, items, minItems,
maxItems, minLength, maxLength, pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
anyOf, oneOf, allOf and `$ref` within the same schema; other keywords ask for nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_DEEPEST: Final = 32
_MOST: Final = 20_000
"""Looks at a value, at most: a schema may lead back to itself by several ways."""

_NAMES: Final = {
    "string": "a text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "array": "a list", "object": "a mapping", "null": "nothing",
}  # fmt: skip


def conform(
    value: Any, schema: Mapping[str, Any], *, later: Callable[[str], bool] = lambda _text: False
) -> tuple[Any, list[str]]:
    """Return the value as the schema wants it, and a sentence for each mistake.

    A text that reads as the number or the truth value that is wanted becomes one: templates write
    texts. A text of which `later` says that its value comes about later is left as it is.
    """
    reader = _Reader(schema, later, [_MOST])
    read = reader.read(value, schema, "", 0)
    return read, list(dict.fromkeys(reader.mistakes))


def unsound(schema: Any) -> str | None:
    """Return what is wrong with a schema itself, as far as it is known here; None when nothing."""
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, Mapping):
        return "a schema is a mapping"
    for keys, fits, sentence in _SOUND:
        for key in keys:
            if key in schema and not fits(schema[key]):
                return f"`{key}` {sentence}"
    inner = [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for key in ("properties", "$defs", "definitions"):
        inner += schema.get(key, {}).values()
    for key in ("anyOf", "oneOf", "allOf"):
        inner += schema.get(key, ())
    return next((said for said in map(unsound, inner) if said is not None), None)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _readable(value: Any) -> bool:
    try:
        re.compile(value)
    except (TypeError, re.error, RecursionError):
        return False
    return True


_SOUND: Final[tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...]] = (
    (("type",), lambda value: isinstance(value, str) or _texts(value), "is a text, or a list of texts"),
    (("required",), _texts, "is a list of texts"),
    (("enum", "anyOf", "oneOf", "allOf"), lambda value: isinstance(value, list), "is a list"),
    (("properties", "$defs", "definitions"), lambda value: isinstance(value, Mapping), "is a mapping"),
    (
        (
            "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
            "minLength", "maxLength", "minItems", "maxItems",
        ),
        lambda value: _is(value, "number"),
        "is a number",
    ),
    (("pattern",), _readable, "is a regular expression"),
)  # fmt: skip


@dataclass(slots=True)
class _Reader:
    root: Mapping[str, Any]
    later: Callable[[str], bool]
    left: list[int]
    mistakes: list[str] = field(default_factory=list)

    def say(self, place: str, sentence: str) -> None:
        self.mistakes.append(f"{place}: {sentence}" if place else sentence)

    def read(self, value: Any, schema: Any, place: str, depth: int) -> Any:
        if isinstance(value, str) and self.later(value):
            return value
        if schema is False:
            self.say(place, "is not known here")
            return value
        schema = resolved(self.root, schema)
        self.left[0] -= 1
        if depth > _DEEPEST or self.left[0] < 0:
            self.say(place, "is nested too deeply" if depth > _DEEPEST else "is too large to check")
            return value
        for part in schema.get("allOf", ()):
            value = self.read(value, part, place, depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                value = self._one_of(value, schema[key], place, depth)
        value = self._typed(value, schema, place)
        for sentence in _unlike(value, schema):
            self.say(place, sentence)
        match value:
            case Mapping():
                return self._object(value, schema, place, depth)
            case list() | tuple():
                items = schema.get("items", {})
                return [
                    self.read(item, items, f"{place}[{n}]", depth + 1)
                    for n, item in enumerate(value)
                ]
            case _:
                return value

    def _one_of(self, value: Any, choices: list[Any], place: str, depth: int) -> Any:
        least: list[str] | None = None
        # What fits as it is goes before what could be made to fit.
        ordered = sorted(choices, key=lambda choice: not self._is(value, choice))
        for choice in ordered:
            inner = _Reader(self.root, self.later, self.left)
            read = inner.read(value, choice, place, depth + 1)
            if not inner.mistakes:
                return read
            if least is None or len(inner.mistakes) < len(least):
                least = inner.mistakes
        self.mistakes += least or []
        return value

    def _is(self, value: Any, schema: Any) -> bool:
        return any(_is(value, kind) for kind in _types(resolved(self.root, schema)))

    def _typed(self, value: Any, schema: Mapping[str, Any], place: str) -> Any:
        types = _types(schema)
        if not types or any(_is(value, kind) for kind in types):
            return value
        if isinstance(value, str):
            for kind in types:
                read = _meant(value, kind)
                if read is not None:
                    return read
        self.say(place, f"write {' or '.join(_NAMES.get(kind, kind) for kind in types)}")
        return value

    def _object(
        self, value: Mapping[str, Any], schema: Mapping[str, Any], place: str, depth: int
    ) -> dict[str, Any]:
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        read = {
            name: self.read(inner, known.get(name, others), _below(place, name), depth + 1)
            for name, inner in value.items()
        }
        for name in schema.get("required", ()):
            if name not in value:
                self.say(_below(place, name), "is needed")
        return read


def resolved(root: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Return a schema, or what it refers to within the same document."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        found: Any = root
        for part in reference.removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        others = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**found, **others} if isinstance(found, Mapping) else others
    return {}


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    said = schema.get("type", ())
    return (said,) if isinstance(said, str) else tuple(said)


def _is(value: Any, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return number and float(value).is_integer()
        case "number":
            return number
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list | tuple)
        case "object":
            return isinstance(value, Mapping)
        case "null":
            return value is None
        case _:
            return True


def _meant(text: str, kind: str) -> int | float | bool | None:
    """Return the value that a text stands for, or None."""
    text = text.strip()
    match kind:
        case "integer" if re.fullmatch(r"-?[0-9]{1,18}(\.0*)?", text):
            return int(text.partition(".")[0])
        case "number" if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text):
            return float(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case _:
            return None


def _unlike(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a value breaks of the bounds that are set for its kind."""
    if "enum" in schema and value not in schema["enum"]:
        yield f"write one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema and value != schema["const"]:
        yield f"write {schema['const']}"
    match value:
        case bool():
            pass
        case int() | float():
            yield from _out_of_bounds(value, schema)
        case str():
            yield from _sized(len(value), schema, "Length", "characters")
            if "pattern" in schema and not re.search(schema["pattern"], value):
                yield f"it does not fit the pattern {schema['pattern']}"
        case list() | tuple():
            yield from _sized(len(value), schema, "Items", "items")
        case _:
            pass


def _out_of_bounds(value: float, schema: Mapping[str, Any]) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"at least {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"at most {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"less than {schema['exclusiveMaximum']}"


def _sized(n: int, schema: Mapping[str, Any], what: str, named: str) -> Iterator[str]:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least is not None and n < least:
        yield f"at least {least} {named}"
    if most is not None and n > most:
        yield f"at most {most} {named}"


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
