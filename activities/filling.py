"""Filling texts, and JSON whose texts are templates, with a customer's data."""

import re
from collections.abc import Mapping
from typing import Any, Final

from activities.rendering import render
from engine.model.template import Content
from engine.run.conditions import look_up

_ALONE: Final = re.compile(r"\s*{{-?\s*([A-Za-z_][\w.-]*?)\s*-?}}\s*")


def filled_text(text: str, variables: Mapping[str, Any]) -> str:
    """Render one text.

    Raises:
        TemplateError: it cannot be rendered.
    """
    return render(Content(body=text), "push", variables).body


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """Render every text in a JSON value, the keys left out.

    Raises:
        TemplateError: one of them cannot be rendered.
    """
    match value:
        case str():
            # A text that is one variable and nothing else keeps its kind: a number, a list.
            alone = _ALONE.fullmatch(value)
            return look_up(variables, alone[1]) if alone else filled_text(value, variables)
        case Mapping():
            return {key: filled(inner, variables) for key, inner in value.items()}
        case list() | tuple():
            return [filled(inner, variables) for inner in value]
        case _:
            return value
