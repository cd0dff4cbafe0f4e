"""Liquid with a meter: no template takes more than a given work, time or memory.

Filters run in C, where nothing can interrupt them, so their work is reckoned from the sizes of
what they are given before they run. Every node and every write of output counts too.
"""

import time
from collections.abc import Callable, ItemsView, Mapping
from typing import Any, Final

import liquid
from liquid import RenderContext, Undefined
from liquid.exceptions import LiquidError, TemplateNotFoundError
from liquid.loader import BaseLoader
from liquid.output import LimitedStringIO
from liquid.token import Token
from liquid.undefined import UNDEFINED

from activities.content.markup import without_tags
from engine.compile.language import Language, Mistake, parse

WORK: Final = 1_000_000
"""What one message may take: about one for each character that a filter touches."""
SECONDS: Final = 0.1
"""Of the thread's own time, in case the reckoning is too kind somewhere."""
VALUE: Final = 100_000
"""Characters or items in one value that a filter takes or gives."""

TOO_MUCH: Final = "it takes too much work: fewer or shorter loops, smaller texts"

_NODE: Final = 50
_FILTER: Final = 80
_MISSING: Final = 20
"""So many unknown variables are told."""


class TooMuch(LiquidError):
    """The template asks for more work than a message may take."""

    def __init__(self) -> None:
        super().__init__(TOO_MUCH, token=None)


class BadSnippet(LiquidError):
    """A snippet cannot be read."""


class Meter:
    """Counts the work of one message, and which variables it found to be unknown."""

    def __init__(self) -> None:
        self.work = 0
        self.missing: dict[str, None] = {}
        self._until = time.thread_time() + SECONDS
        self._look_at = 0

    def charge(self, work: int) -> None:
        """Count some work; raise `TooMuch` when it is more than allowed."""
        self.work += work
        if self.work > WORK:
            raise TooMuch
        if self.work > self._look_at:  # asking for the time is work itself
            self._look_at = self.work + _NODE * 10
            if time.thread_time() > self._until:
                raise TooMuch

    def miss(self, name: str) -> None:
        """Note an unknown variable."""
        if len(self.missing) < _MISSING:
            self.missing.setdefault(name[:100])


def render(
    source: str,
    language: Language,
    variables: Mapping[str, Any],
    snippets: Mapping[str, str],
    meter: Meter,
) -> str:
    """Render one text.

    Raises:
        Mistake: the text cannot be read.
        LiquidError: it cannot be rendered.
    """
    context = _Context(parse(source, language), globals=variables)
    context.meter, context.snippets = meter, snippets
    buffer = context.get_buffer()
    context.template.render_with_context(context, buffer)
    return buffer.getvalue()


class _Missing(Undefined):
    """An unknown variable: empty, and told when its text is wanted, not when it is asked for."""

    __slots__ = ("_meter", "_path")

    def __init__(self, meter: Meter, path: str) -> None:
        super().__init__(path)
        self._meter = meter
        self._path = path

    def __str__(self) -> str:
        self._meter.miss(self._path)
        return ""

    def items(self) -> ItemsView[Any, object]:
        """What a loop asks for."""
        self._meter.miss(self._path)
        return {}.items()


class _Buffer(LimitedStringIO):
    """Output that counts, also where a block captures it."""

    def __init__(self, limit: int, meter: Meter) -> None:
        super().__init__(limit=limit)
        self._meter = meter

    def write(self, text: str) -> int:
        self._meter.charge(len(text) // 8 + 1)
        return super().write(text)


class _Context(RenderContext):
    """A context whose copies share one meter."""

    meter: Meter
    snippets: Mapping[str, str]

    def __init__(self, template: liquid.BoundTemplate, **more: Any) -> None:
        self._disabled: list[str] = []
        parent = more.get("parent_context")
        if isinstance(parent, _Context):
            self.meter, self.snippets = parent.meter, parent.snippets
        super().__init__(template, **more)

    @property
    def disabled_tags(self) -> list[str]:
        """What every node asks before it is rendered: so it is where nodes are counted."""
        self.meter.charge(_NODE)
        return self._disabled

    @disabled_tags.setter
    def disabled_tags(self, tags: list[str]) -> None:
        self._disabled = tags

    def get(
        self, path: list[object], *, token: Token | None, default: object = UNDEFINED
    ) -> object:
        self.meter.charge(_NODE + len(path))
        found = super().get(path, token=token, default=default)
        if isinstance(found, Undefined) and not isinstance(found, _Missing):
            return _Missing(self.meter, ".".join(map(str, path)))
        return found

    def assign(self, key: str, val: Any) -> None:
        self.meter.charge(_NODE + len(self.locals))
        super().assign(key, val)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        apply = _strip_html if name == "strip_html" else super().filter(name, token)

        def metered(value: object, *args: object, **more: object) -> object:
            self.meter.charge(_reckon(name, value, args))
            result = apply(value, *args, **more)
            self.meter.charge(size(result))
            return result

        return metered

    def get_buffer(self, buf: Any = None) -> LimitedStringIO:
        carried = buf.size if isinstance(buf, LimitedStringIO) else 0
        return _Buffer((self.env.output_stream_limit or 0) - carried, self.meter)


class _Snippets(BaseLoader):
    """Finds snippets among those that the message was given."""

    def get_source(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def load(
        self,
        env: liquid.Environment,
        name: str,
        *,
        context: RenderContext | None = None,
        **_: object,
    ) -> liquid.BoundTemplate:
        source = context.snippets.get(name) if isinstance(context, _Context) else None
        if source is None or not isinstance(env, Language):
            raise TemplateNotFoundError(f"there is no snippet {name}", token=None)
        try:
            nodes = parse(source, env).nodes
        except Mistake as error:
            raise BadSnippet(f"in the snippet {name}, {error}", token=None) from None
        return liquid.BoundTemplate(env, nodes, name=name)


TEXT: Final = Language(autoescape=False, loader=_Snippets())
HTML: Final = Language(autoescape=True, loader=_Snippets())


def size(value: object) -> int:
    """Return how many characters and items there are in a value, and refuse too many."""
    total = 0
    waiting = [value]
    while waiting:
        total += 1
        match waiting.pop():
            case str() as text:
                total += len(text)
            case range() as numbers:
                total += max(0, numbers.stop - numbers.start)
            case int() as number:
                total += number.bit_length() // 64
            case list() | tuple() as items:
                if len(items) > VALUE:
                    raise TooMuch
                waiting += items
            case dict() as mapping:
                waiting += mapping
                waiting += mapping.values()
            case _:
                pass
        if total + len(waiting) > VALUE:
            raise TooMuch
    return total


def _reckon(name: str, value: object, args: tuple[object, ...]) -> int:
    """Return the work that a filter will be; refuse what would become too large."""
    own, given = size(value), [size(argument) for argument in args]
    work = _FILTER + own + sum(given)
    match name:
        case "replace" if args:
            text, sought = _text(value), _text(args[0])
            put = len(_text(args[1])) if len(args) > 1 else 0
            _fits(text.count(sought) * put)
        case "remove_last" | "replace_last" if args:
            work += own * given[0] // 8
        case "join":
            _fits(own * (given[0] if given else 1))
        case "uniq":
            work += own * (len(value) if isinstance(value, list | tuple) else 1) // 2
        case "sort" | "sort_natural":
            work += own * own.bit_length()
        case "date":
            # Its reader of dates is slow, and no date is that long.
            _fits((own > 100) * VALUE + 1)
            _fits((sum(given) > 200) * VALUE + 1)
        case "escape_once" | "url_encode" | "url_decode" | "squish" | "split":
            work += own * 2
        case _:
            pass
    return work


def _strip_html(value: object) -> str:
    return without_tags(_text(value))


def _fits(characters: int) -> None:
    if characters > VALUE:
        raise TooMuch


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)
