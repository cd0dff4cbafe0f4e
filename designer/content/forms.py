"""What an editor's form says, as a template, and what is wrong with it at which field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from engine.compile.language import Mistake, uses
from engine.model.base import Channel
from engine.model.template import Content, Template

FIELDS: Final[dict[Channel, tuple[str, ...]]] = {
    "email": ("subject", "preheader", "body", "text"),
    "sms": ("body",),
    "whatsapp": ("body", "approved", "fields"),
    "push": ("subject", "body", "link", "image"),
}
"""What there is to write for each channel."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field; `line` of its text when it is known."""

    field: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A form as content, as far as it is that."""

    content: Content | None
    faults: list[Fault] = field(default_factory=list)


def values_of(content: Content | None) -> dict[str, str]:
    """Return what a form shows of a content."""
    if content is None:
        return {}
    shown = {name: getattr(content, name) or "" for name in Content.model_fields}
    shown["fields"] = "\n".join(f"{name}: {text}" for name, text in content.fields.items())
    return shown


def read(channel: Channel, values: Mapping[str, str], snippets: Mapping[str, str]) -> Read:
    """Read the fields of a channel."""
    document: dict[str, Any] = {"body": values.get("body", "")}
    for name in FIELDS[channel]:
        if name == "fields":
            document["fields"] = _pairs(values.get("fields", ""))
        elif values.get(name):
            document[name] = values[name]
    try:
        content = Content.model_validate(document)
    except ValidationError as error:
        return Read(None, _faults(error))
    return Read(content, _mistakes(content, snippets))


def _mistakes(content: Content, snippets: Mapping[str, str]) -> list[Fault]:
    faults = []
    for part, text in content.texts().items():
        try:
            used = uses(text, snippets)
        except Mistake as mistake:
            faults.append(Fault(part.partition(".")[0], mistake.reason, mistake.line))
            continue
        missing = sorted(used.snippets - {*snippets})
        faults += [Fault(part, f"there is no snippet {name}") for name in missing]
    return faults


def new(values: Mapping[str, str]) -> tuple[Template | None, list[Fault]]:
    """Read the form of a new template."""
    document = {
        "id": values.get("id", ""),
        "name": values.get("name", "").strip(),
        "channel": values.get("channel", ""),
        "locales": {values.get("locale") or "en": {"body": ""}},
    }
    try:
        return Template.model_validate(document), []
    except ValidationError as error:
        return None, _faults(error)


def _pairs(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.splitlines() if line.strip())
    return {name.strip(): text.strip() for name, _, text in pairs}


def _faults(error: ValidationError) -> list[Fault]:
    details = error.errors(include_url=False, include_input=False)
    return [Fault(str(detail["loc"][0]), detail["msg"]) for detail in details if detail["loc"]]
