"""The condition builder as a browser has it: what its fields send back is what was shown."""

from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData

import designer
from designer.canvas.forms.conditions import condition_of, group_of
from designer.canvas.forms.raw import fields, read
from designer.canvas.lexicon import COMPARISONS, FITS, MADE
from designer.canvas.panels import Mistakes
from designer.words import Words
from engine.model.base import CHANNELS
from tests.unit.test_condition_forms import (
    CONDITION_OF_EACH_KIND,
    CONDITIONS,
    MODEL,
    deep,
    same,
)

KINDS = ("trait", "event", "value", "anniversary", "segment", "subscribed", "reachable", "step",
         "result", "property", "group")  # fmt: skip


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(designer.__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.globals.update(gettext=Words().gettext, ngettext=Words().ngettext)
    return made


TEMPLATE = _environment().from_string(
    '{% from "canvas/forms/_condition.html" import condition with context %}'
    '{{ condition("exits.0.where", group, event) }}'
)
CHOICES = SimpleNamespace(
    kinds=[(kind, kind) for kind in KINDS],
    kinds_of_event=[(kind, kind) for kind in KINDS],
    comparisons=[(key, title, FITS.get(key, "")) for key, title in COMPARISONS],
    made=list(MADE),
    channels=[(channel, channel) for channel in CHANNELS],
    segments=[], topics=[], steps=[], calls=[], messages=[], entry="Ping",
)  # fmt: skip


class Fields(HTMLParser):
    """What a browser sends of a form: its fields, as they are filled."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self._select = ""
        self._area: list[str] | None = None
        self._options: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and name:
            self.sent.append((name, value))
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option":
            self._options.append((value, "selected" in given))
        elif tag == "textarea":
            self._select, self._area = name, []

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            chosen = [value for value, selected in self._options if selected]
            self.sent.append((self._select, chosen[-1] if chosen else self._options[0][0]))
        elif tag == "textarea" and self._area is not None:
            self.sent.append((self._select, "".join(self._area)))
            self._area = None


def back(condition: dict[str, Any], event: str | None) -> Any:
    """Return the condition that comes back from the builder's page."""
    form = SimpleNamespace(choices=CHOICES, mistakes=Mistakes(), says="/says")
    group = fields(group_of(condition))
    page = TEMPLATE.render(group=group, form=form, event=event, words=Words())
    return condition_of(read(FormData(Fields(page).sent))["exits"][0]["where"])


@settings(max_examples=60)
@given(CONDITIONS)
def test_a_condition_comes_back_from_its_page_as_it_was(condition: Any) -> None:
    document = MODEL.validate_python(condition).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    assert same(back(document, None), document)


@pytest.mark.parametrize("event", [None, "Order Completed"])
@pytest.mark.parametrize("kind", CONDITION_OF_EACH_KIND)
def test_each_kind_comes_back_from_its_page(kind: str, event: str | None) -> None:
    condition = CONDITION_OF_EACH_KIND[kind]
    for one in (condition, {"not": condition}, {"any": [condition]}, {"all": [condition, deep(3)]}):
        assert same(back(one, event), one)
