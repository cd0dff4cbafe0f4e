"""HTML as text with tags in it, read once from left to right.

Python's own reader, and most expressions that look for pairs, take a time that grows with the
square of a hostile text's length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final

_NAME: Final = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:_-]*)")
_HREF: Final = re.compile(r"""(?i)\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_BLOCKS: Final = frozenset({"p", "div", "br", "tr", "h1", "h2", "h3", "h4", "li", "table"})
_SILENT: Final = frozenset({"style", "script", "head", "title"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, or a comment or declaration (`name` is empty), from `start` to `end` of the text."""

    start: int
    end: int
    name: str
    closes: bool = False


def tags(html: str) -> Iterator[Tag]:
    """Yield the tags and comments of a text; what only looks like one is text."""
    at = 0
    while (start := html.find("<", at)) >= 0:
        tag = _tag(html, start)
        if tag is not None:
            yield tag
        at = start + 1 if tag is None else tag.end


def _tag(html: str, start: int) -> Tag | None:
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return Tag(start, len(html) if end < 0 else end + 3, "")
    if html.startswith(("<!", "<?"), start):
        end = html.find(">", start)
        return Tag(start, len(html) if end < 0 else end + 1, "")
    name = _NAME.match(html, start)
    if name is None:
        return None
    end = _end(html, start)
    return Tag(start, end, name[1].lower(), closes=html[start + 1] == "/")


def _end(html: str, start: int) -> int:
    """Return where a tag ends: at `>`, but for those few that stand in quotes."""
    end = start
    for _ in range(4):
        end = html.find(">", end) + 1
        if end == 0:
            return len(html)
        inside = html[start:end]
        if inside.count('"') % 2 == 0:
            break
    return end


def href(html: str, tag: Tag) -> tuple[int, int] | None:
    """Return where the address of a link stands in the text, if the tag has one."""
    found = _HREF.search(html, tag.start, tag.end)
    if found is None:
        return None
    group = next(n for n in (1, 2, 3) if found[n] is not None)
    return found.span(group)


def without_tags(html: str) -> str:
    """Return the text without its tags, otherwise as it stands."""
    parts, at = [], 0
    for tag in tags(html):
        parts.append(html[at : tag.start])
        at = tag.end
    return "".join(parts) + html[at:]


def plain(html: str) -> str:
    """Return the text of an HTML message, links written out."""
    parts: list[str] = []
    links: list[str | None] = []
    silent, at = 0, 0
    for tag in tags(html):
        if not silent:
            parts.append(unescape(html[at : tag.start]))
        at = tag.end
        if tag.name in _SILENT:
            silent = max(0, silent + (-1 if tag.closes else 1))
        elif tag.name in _BLOCKS:
            parts.append("\n")
        elif tag.name == "a" and not tag.closes:
            place = href(html, tag)
            links.append(unescape(html[slice(*place)]) if place else None)
        elif tag.name == "a" and links:
            address = links.pop()
            parts.append(f" ({address})" if address else "")
    if not silent:
        parts.append(unescape(html[at:]))
    lines = (" ".join(line.split()) for line in "".join(parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
