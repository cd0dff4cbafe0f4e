"""Rendering a marketer's template: Liquid, bounded, with values escaped in HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final

import liquid
import mjml
from liquid.exceptions import LiquidError, UnknownFilterError

from engine.model.base import Channel
from engine.model.template import Content


class _Bounded(liquid.Environment):
    loop_iteration_limit = 2_000
    output_stream_limit = 1_000_000
    local_namespace_limit = 50_000
    context_depth_limit = 20


_HTML: Final = _Bounded(autoescape=True)
_TEXT: Final = _Bounded(autoescape=False)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_MARKED: Final = re.compile(r"(?s)<!--.*?-->|<!\[[^>]*(>|$)")
"""Comments, and `<![if mso]>` and the like, over which Python's reader stumbles."""
_TAG: Final = re.compile(r"<[a-zA-Z!/][^<>]*>")


class TemplateError(Exception):
    """A template that cannot be rendered; the text says why, without the customer's data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A rendered message: `body` is HTML for an email when it holds tags, else plain text."""

    subject: str | None
    body: str
    text: str | None


def render(content: Content, channel: Channel, variables: Mapping[str, Any]) -> Text:
    """Render each part of a template; raise `TemplateError` when one cannot be."""
    try:
        return _rendered(content, channel, variables)
    except TemplateError:
        raise
    except Exception as error:  # noqa: BLE001 - its kind is told
        # Marketers write templates and customers' data fills them: whatever this brings about in
        # the libraries is a mistake in the template, and must not be tried again for ever.
        raise TemplateError(f"{type(error).__name__} while rendering") from None


def _rendered(content: Content, channel: Channel, variables: Mapping[str, Any]) -> Text:
    subject = _render(_TEXT, content.subject, variables)
    if subject is not None:
        subject = " ".join(_CONTROL.sub(" ", subject).split())
    formatted = channel == "email" and _TAG.search(content.body) is not None
    body = _render(_HTML if formatted else _TEXT, content.body, variables) or ""
    if not formatted:
        return Text(subject=subject, body=body, text=None)
    if "<mjml" in body:
        body = _from_mjml(body, content.body)
    preheader = _render(_HTML, content.preheader, variables)
    if preheader:
        body = _with_preheader(body, preheader)
    text = _render(_TEXT, content.text, variables) or plain(body)
    return Text(subject=subject, body=body, text=text)


def _render(
    environment: liquid.Environment, source: str | None, variables: Mapping[str, Any]
) -> str | None:
    if source is None:
        return None
    try:
        template = environment.from_string(source)
    except LiquidError as error:  # about the template alone: nobody's data is in it yet
        raise _mistake(error) from None
    try:
        return _storable(template.render(**variables))
    except UnknownFilterError as error:
        raise _mistake(error) from None


def _mistake(error: LiquidError) -> TemplateError:
    return TemplateError(f"{type(error).__name__}: {error.message or 'wrong template'}")


def _storable(text: str) -> str:
    """Leave out what no database keeps; some filters bring it forth from harmless text."""
    return text.encode(errors="ignore").decode().replace("\0", "")


def _from_mjml(source: str, template: str) -> str:
    try:
        return _storable(str(mjml.mjml2html(source)))
    except (ValueError, OSError):
        pass
    # The library quotes what it cannot read. What it says of the template names no customer.
    reason = ""
    try:
        mjml.mjml2html(template)
    except (ValueError, OSError) as error:
        reason = f": {error}"
    raise TemplateError(f"the MJML cannot be read{reason}")


def _with_preheader(body: str, preheader: str) -> str:
    hidden = (
        '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">'
        + preheader
        + "</div>"
    )
    found = re.search(r"<body[^>]*>", body, re.IGNORECASE)
    at = found.end() if found else 0
    return body[:at] + hidden + body[at:]


def plain(html: str) -> str:
    """Return the text of an HTML message, links written out."""
    reader = _Reader()
    reader.feed(_MARKED.sub("", html))
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    _BLOCKS: Final = frozenset({"p", "div", "br", "tr", "h1", "h2", "h3", "h4", "li", "table"})
    _SILENT: Final = frozenset({"style", "script", "head", "title"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0
        self._links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag in self._BLOCKS:
            self.parts.append("\n")
        elif tag == "a":
            self._links.append(dict(attrs).get("href"))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._BLOCKS:
            self.parts.append("\n")
        elif tag == "a" and self._links:
            href = self._links.pop()
            if href:
                self.parts.append(f" ({href})")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
