"""Checks of what a template's texts use: variables, snippets, coupon codes."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from engine.compile.known import Before, Known, unwise, wrong
from engine.compile.language import Mistake, Uses, uses
from engine.errors import Problem
from engine.model.snippet import bodies
from engine.model.template import Content, Template

VARIABLES = (
    "customer", "event", "steps", "shop", "coupon", "unsubscribe_url", "preferences_url",
)  # fmt: skip
"""What every template may use."""

FEW_CODES = 100
"""Fewer codes than this in a pool are worth a warning."""

_SHOP = ("name", "currency", "locale")

_ASKED = re.compile(r"{%-?\s*(?:if|elsif|unless|case)\b(.*?)%}", re.DOTALL)
_DEFAULTED = re.compile(r"([\w.-]+)\s*\|\s*default\b")
"""What a template asks for, or replaces, may be missing."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text that may be rendered: the name of its part, and the locale it is written in."""

    part: str
    text: str | None
    locale: str


def pools(content: Content, snippets: dict[str, str]) -> tuple[str, ...]:
    """Return the coupon pools that a message of this content takes a code of.

    What cannot be read takes none: rendering will say why.
    """
    names: set[str] = set()
    for text in content.texts().values():
        try:
            names |= uses(text, snippets).pools
        except Mistake:
            continue
    return tuple(sorted(names))


def check_content(
    template: Template,
    written: Iterable[Written],
    filled: Collection[str],
    step: str,
    known: Known,
    before: Before,
) -> Iterator[Problem]:
    """Check every text of a template; `filled` are the variables that the step itself sets."""
    missing: set[str] = set()
    found: dict[str, Uses] = {}
    for one in written:
        if not one.text:
            continue
        snippets = bodies(known.snippets, one.locale)
        try:
            used = uses(one.text, snippets)
        except Mistake as mistake:
            yield wrong(
                "the template %(template)s cannot be read: %(part)s (%(locale)s), %(mistake)s",
                step,
                template=template.id,
                part=one.part,
                locale=one.locale,
                mistake=str(mistake),
            )
            continue
        found[one.text] = used
        told = " ".join([one.text, *(snippets.get(name, "") for name in used.snippets)])
        missing |= unfilled(used, told, filled, before)
    yield from _shared(template, found.values(), step, known)
    for name in sorted(missing):
        yield unwise(
            "the template %(template)s uses %(name)s, which nothing fills",
            step,
            template=template.id,
            name=name,
        )


def _shared(
    template: Template, found: Iterable[Uses], step: str, known: Known
) -> Iterator[Problem]:
    every = [*found]
    for name in sorted({name for used in every for name in used.snippets} - {*known.snippets}):
        yield wrong(
            "the template %(template)s uses the snippet %(name)s, which there is not; create it or take it out",
            step,
            template=template.id,
            name=name,
        )
    for name in sorted({name for used in every for name in used.pools}):
        if name not in known.pools:
            yield wrong(
                "the template %(template)s takes codes of the coupon pool %(name)s, which there is not; create it or take it out",
                step,
                template=template.id,
                name=name,
            )
            continue
        left = known.pools[name]
        if left is not None and left < FEW_CODES:
            yield (
                unwise(
                    "the coupon pool %(name)s has %(left)s codes left; who finds none gets no message",
                    step,
                    name=name,
                    left=left,
                )
                if left
                else unwise(
                    "the coupon pool %(name)s has no codes left; who finds none gets no message",
                    step,
                    name=name,
                )
            )


def unfilled(used: Uses, text: str, filled: Collection[str], before: Before) -> set[str]:
    """Return the variables that nothing fills, but for those that the text asks for first.

    `filled` are names that it has beside those of every template.
    """
    prepared = " ".join((*_ASKED.findall(text), *_DEFAULTED.findall(text)))
    names = {_unfilled(variable, filled, before) for variable in used.variables}
    return {
        name
        for name in names
        if name and not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", prepared)
    }


def _unfilled(variable: tuple[object, ...], filled: Collection[str], before: Before) -> str | None:
    match variable:
        case ("shop", str(name), *_):
            return None if name in _SHOP else f"shop.{name}"
        case ("steps", str(name), *_):
            return None if name in before else f"steps.{name}"
        case (str(name), *_):
            return None if name in VARIABLES or name in filled else name
        case _:
            return None
