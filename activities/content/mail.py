"""An email's HTML: from MJML, with a preheader."""

import re
from typing import Final

import mjml

from activities.content.markup import tags

DEPTH: Final = 100
"""Tags inside one another; the library ends the process at some thousands."""
LENGTH: Final = 500_000
"""Characters of MJML, rendered."""

_HOLDS_TAGS: Final = frozenset(
    [
        "mjml",
        "mj-head",
        "mj-body",
        "mj-section",
        "mj-column",
        "mj-group",
        "mj-wrapper",
        "mj-hero",
        "mj-accordion",
        "mj-accordion-element",
        "mj-carousel",
        "mj-navbar",
        "mj-social",
        "mj-attributes",
        "mj-include",
    ]
)
_HOLDS_HTML: Final = frozenset(
    [
        "mj-text",
        "mj-button",
        "mj-raw",
        "mj-table",
        "mj-navbar-link",
        "mj-social-element",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-style",
        "mj-title",
        "mj-preview",
        "mj-html-attributes",
    ]
)
_EMPTY: Final = frozenset(
    [
        "mj-image",
        "mj-divider",
        "mj-spacer",
        "mj-carousel-image",
        "mj-font",
        "mj-breakpoint",
        "mj-all",
        "mj-class",
    ]
)
_KNOWN: Final = _HOLDS_TAGS | _HOLDS_HTML | _EMPTY
_VOID: Final = frozenset(
    ["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


class MjmlError(Exception):
    """MJML that cannot be read; `tag` names the one that is not known, as it was rendered."""

    def __init__(self, reason: str, tag: str = "") -> None:
        super().__init__(reason)
        self.tag = tag


def check(source: str) -> None:
    """Refuse MJML with tags that it does not know, or too many inside one another."""
    if len(source) > LENGTH:
        raise MjmlError(f"the MJML is longer than {LENGTH} characters")
    depth, html = 0, 0
    for tag in tags(source):
        if not tag.name:
            continue
        selfless = source[tag.end - 2 : tag.end] == "/>" or tag.name in _VOID
        step = 0 if selfless else (-1 if tag.closes else 1)
        if tag.name in _HOLDS_HTML:
            html += step
        elif tag.name not in _KNOWN and (tag.name.startswith("mj") or (not html and step >= 0)):
            raise MjmlError("MJML knows no such tag here", tag.name)
        depth += step
        if depth > DEPTH:
            raise MjmlError(f"more than {DEPTH} tags stand inside one another")


def from_mjml(source: str) -> str:
    """Return the HTML of MJML; raise `MjmlError` when it cannot be read."""
    check(source)
    try:
        return str(mjml.mjml2html(source))
    except (ValueError, OSError) as error:
        raise MjmlError(str(error)) from None


def with_preheader(body: str, preheader: str) -> str:
    """Put what inboxes show beside the subject first into a message."""
    hidden = (
        '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">'
        + preheader
        + "</div>"
    )
    found = re.search(r"(?i)<body\b[^<>]*>", body)
    at = found.end() if found else 0
    return body[:at] + hidden + body[at:]
