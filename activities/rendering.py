"""Rendering a marketer's template: Liquid, bounded, with values escaped in HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from liquid.exceptions import (
    LiquidError,
    ResourceLimitError,
    TemplateNotFoundError,
    UnknownFilterError,
)

from activities.content import bounds
from activities.content.mail import MjmlError, from_mjml, with_preheader
from activities.content.markup import plain
from engine.compile.language import Language, Mistake, line_of
from engine.model.base import Channel
from engine.model.template import Content

__all__ = ["TemplateError", "Text", "plain", "render"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_TAG: Final = re.compile(r"<[a-zA-Z!/][^<>]*>")


class TemplateError(Exception):
    """A template that cannot be rendered; the text says why, without the customer's data.

    `part` is the field of the content that is at fault (`fields.code` for one of several), and
    `line` the line of it, counted from 1, when they are known.
    """

    def __init__(self, reason: str, *, part: str = "body", line: int | None = None) -> None:
        place = f"{part}, line {line}" if line else part
        super().__init__(f"{place}: {reason}")
        self.reason = reason
        self.part = part
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A rendered message: `body` is HTML for an email when it holds tags, else plain text.

    `missing` names the variables that nothing filled. `link` and `image` are a push message's;
    `approved` names a WhatsApp template that the provider knows, and `fields` fills it.
    """

    subject: str | None
    body: str
    text: str | None
    link: str | None = None
    image: str | None = None
    approved: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def render(
    content: Content,
    channel: Channel,
    variables: Mapping[str, Any],
    snippets: Mapping[str, str] | None = None,
) -> Text:
    """Render each part of a template; `snippets` are the shared pieces by name, in its language.

    Raises:
        TemplateError: a part cannot be rendered.
    """
    return _Rendering(variables, snippets or {}).text(content, channel)


class _Rendering:
    """One message in the making: all its parts share one meter."""

    def __init__(self, variables: Mapping[str, Any], snippets: Mapping[str, str]) -> None:
        self._variables = variables
        self._snippets = snippets
        self._meter = bounds.Meter()

    def text(self, content: Content, channel: Channel) -> Text:
        subject = self._part("subject", content.subject)
        formatted = channel == "email" and _TAG.search(content.body) is not None
        body = self._part("body", content.body, bounds.HTML if formatted else bounds.TEXT) or ""
        text = None
        if formatted:
            if "<mjml" in body:
                body = _mjml(body, content.body)
            if preheader := self._part("preheader", content.preheader, bounds.HTML):
                body = with_preheader(body, preheader)
            text = self._part("text", content.text) or plain(body)
        return Text(
            subject=_one_line(subject),
            body=body,
            text=text,
            link=_one_line(self._part("link", content.link)),
            image=_one_line(self._part("image", content.image)),
            approved=content.approved,
            fields={
                name: self._part(f"fields.{name}", source) or ""
                for name, source in content.fields.items()
            },
            missing=tuple(self._meter.missing),
        )

    def _part(self, part: str, source: str | None, language: Language = bounds.TEXT) -> str | None:
        if source is None:
            return None
        try:
            return _storable(
                bounds.render(source, language, self._variables, self._snippets, self._meter)
            )
        except Mistake as error:
            raise TemplateError(error.reason, part=part, line=error.line) from None
        except LiquidError as error:
            line = line_of(error) if error.token and error.token.source == source else None
            raise TemplateError(_reason(error), part=part, line=line) from None
        except Exception as error:  # noqa: BLE001 - its kind is told
            # Marketers write templates and customers' data fills them: whatever this brings about
            # in the libraries is a mistake in the template, and must not be tried again for ever.
            raise TemplateError(f"{type(error).__name__} while rendering", part=part) from None


def _reason(error: LiquidError) -> str:
    """Say what went wrong; most of the library's sentences quote values, which are customers'."""
    if isinstance(error, ResourceLimitError):
        return bounds.TOO_MUCH
    about_template = isinstance(
        error, UnknownFilterError | TemplateNotFoundError | bounds.TooMuch | bounds.BadSnippet
    )
    return str(error.message) if about_template else f"{type(error).__name__} while rendering"


def _mjml(source: str, template: str) -> str:
    """Return the HTML; what is said of a mistake is said of the template, before its values."""
    try:
        return _storable(from_mjml(source))
    except MjmlError as error:
        tag = error.tag
    if tag and (place := template.lower().find(f"<{tag}")) >= 0:
        line = template.count("\n", 0, place) + 1
        raise TemplateError(f"MJML knows no tag <{tag}> here", line=line)
    reason = ""
    try:
        from_mjml(template)
    except MjmlError as error:
        reason = "" if error.tag else f": {error}"
    raise TemplateError(f"the MJML cannot be read{reason}")


def _one_line(text: str | None) -> str | None:
    return None if text is None else " ".join(_CONTROL.sub(" ", text).split())


def _storable(text: str) -> str:
    """Leave out what no database keeps; some filters bring it forth from harmless text."""
    return text.encode(errors="ignore").decode().replace("\0", "")
