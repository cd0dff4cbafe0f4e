"""The templates' language, Liquid: read within bounds, its mistakes told by line.

Whoever may write a template may not stop a worker: what is read here is small enough to be read
in some milliseconds, whatever stands in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import liquid
from liquid.ast import Node
from liquid.builtin.expressions import StringLiteral
from liquid.exceptions import LiquidError
from liquid.loader import BaseLoader, TemplateSource

TAGS: Final = 1_000
"""How many `{{ … }}` and `{% … %}` one text may hold."""
TAG_LENGTH: Final = 4_000
"""Characters in one of them."""
TAGS_LENGTH: Final = 40_000
"""Characters in all of them together."""

_CLOSING: Final = {"{{": "}}", "{%": "%}"}


class Mistake(Exception):
    """A template cannot be read: `reason` names the mend, `line` where, counted from 1."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


class Language(liquid.Environment):
    """Liquid as templates may use it."""

    block_nesting_limit = 20
    context_depth_limit = 20
    loop_iteration_limit = 2_000
    local_namespace_limit = 50_000
    output_stream_limit = 1_000_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Leave out the one tag that hides any number of others in itself."""
        super().setup_tags_and_filters(extra=extra)
        del self.tags["liquid"]


_PLAIN: Final = Language()


@lru_cache(maxsize=300)
def parse(source: str, language: Language = _PLAIN) -> liquid.BoundTemplate:
    """Read a template; raise `Mistake` when it cannot be."""
    _measure(source)
    try:
        return language.from_string(source)
    except LiquidError as error:
        raise mistake(error) from None


def mistake(error: LiquidError) -> Mistake:
    """Say what the library says about the template alone: nobody's data is in it."""
    reason = str(error.message or "it cannot be read")
    if isinstance(error.__cause__, RecursionError):
        reason = "it is nested too deeply"
    return Mistake(reason, line_of(error))


def line_of(error: LiquidError) -> int | None:
    """Return the line of the template that an error is about, when it is known."""
    token = error.token
    if token is None or token.start_index < 0:
        return None
    return token.source.count("\n", 0, token.start_index) + 1


def _measure(source: str) -> None:
    """Refuse what would take long to read, looking at each character a bounded number of times."""
    length = 0
    for tags, (start, end) in enumerate(_tags(source), 1):
        length += end - start
        if tags > TAGS or length > TAGS_LENGTH or end - start > TAG_LENGTH:
            raise Mistake(
                f"it holds too much: {TAGS} tags at most, {TAG_LENGTH} characters in one, "
                f"{TAGS_LENGTH} in all",
                source.count("\n", 0, start) + 1,
            )


def _tags(source: str) -> Iterator[tuple[int, int]]:
    at = 0
    places = {opening: source.find(opening) for opening in _CLOSING}
    while found := [place for place in places.values() if place >= 0]:
        start = min(found)
        closing = _CLOSING[source[start : start + 2]]
        end = source.find(closing, start + 2)
        if end < 0:
            line = source.count("\n", 0, start) + 1
            raise Mistake(f"what {source[start : start + 2]} opens is never closed", line)
        at = end + 2
        yield start, at
        for opening, place in places.items():
            if 0 <= place < at:
                places[opening] = source.find(opening, at)


@dataclass(frozen=True, slots=True)
class Uses:
    """What a text uses: variables by their path, snippets by name, those of its snippets too.

    A part of a path is None when it is only known while rendering.
    """

    variables: frozenset[tuple[str | int | None, ...]]
    snippets: frozenset[str]

    @property
    def pools(self) -> frozenset[str]:
        """The coupon pools that it takes a code of."""
        return frozenset(
            path[1]
            for path in self.variables
            if path[0] == "coupon" and len(path) > 1 and isinstance(path[1], str)
        )


def uses(source: str, snippets: Mapping[str, str]) -> Uses:
    """Return what a text uses; raise `Mistake` when it, or a snippet of it, cannot be read.

    A snippet that is not there is named all the same.
    """
    partials: dict[str, str] = {}
    missing: set[str] = set()
    _collect(source, snippets, partials, missing, ())
    return _uses(source, tuple(sorted(partials.items())), frozenset(missing))


def _collect(
    source: str,
    snippets: Mapping[str, str],
    partials: dict[str, str],
    missing: set[str],
    path: tuple[str, ...],
) -> None:
    """Find the snippets of a text and theirs, refusing those that come back to themselves."""
    for name in sorted(_partials(source)):
        if name in path:
            raise Mistake(f"the snippet {name} uses itself: {' → '.join((*path, name))}")
        if len(path) >= 5:
            raise Mistake("snippets use one another more than five deep")
        if name not in snippets:
            missing.add(name)
            continue
        partials[name] = snippets[name]
        try:
            _collect(snippets[name], snippets, partials, missing, (*path, name))
        except Mistake as error:
            if path or error.line is None:
                raise
            raise Mistake(f"in the snippet {name}, {error}") from None


@lru_cache(maxsize=500)
def _partials(source: str) -> frozenset[str]:
    """Return the names of the snippets that a text uses itself."""
    template = parse(source)
    context = liquid.RenderContext(template)
    names = set()
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes += node.children(context, include_partials=False)
        partial = node.partial_scope()
        if partial is None:
            continue
        name = partial.name.value if isinstance(partial.name, StringLiteral) else partial.name
        if not isinstance(name, str) or not name:
            line = source.count("\n", 0, node.token.start_index) + 1
            raise Mistake('write a snippet\'s name in quotes: {% render "name" %}', line)
        names.add(name)
    return frozenset(names)


class _Given(BaseLoader):
    """Reads snippets out of a mapping; one that is missing is empty."""

    def __init__(self, snippets: Mapping[str, str]) -> None:
        self._snippets = snippets

    def get_source(  # the library's shape
        self,
        env: liquid.Environment,  # noqa: ARG002
        template_name: str,
        **_: object,
    ) -> TemplateSource:
        return TemplateSource(self._snippets.get(template_name, ""), template_name, None)


@lru_cache(maxsize=500)
def _uses(source: str, partials: tuple[tuple[str, str], ...], missing: frozenset[str]) -> Uses:
    language = Language(loader=_Given(dict(partials)))
    try:
        found = language.from_string(source).analyze(include_partials=True)
    except LiquidError as error:
        raise mistake(error) from None
    except RecursionError:
        raise Mistake("it is nested too deeply") from None
    variables = [variable for several in found.globals.values() for variable in several]
    return Uses(
        frozenset(tuple(map(_part, variable.segments)) for variable in variables),
        frozenset(name for name, _ in partials) | missing,
    )


def _part(segment: object) -> str | int | None:
    return segment if isinstance(segment, str | int) else None
