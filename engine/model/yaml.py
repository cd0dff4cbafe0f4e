"""Reading YAML from people: with lines, and without what YAML can do to a server.

JSON is read as the YAML that it is. Dates stay the texts that were written. Refused with a
sentence: tags, keys that are no text, nesting and size without bounds (an alias counts as often
as it is used), and values that JSON or the database cannot hold.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from engine.errors import InvalidDocument, Problem

MAX_CHARACTERS: Final = 250_000
MAX_DEPTH: Final = 100
"""Mappings and lists within each other: 25 branches, 50 conditions."""
MAX_VALUES: Final = 50_000

_TAGS: Final = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_TOO_DEEP: Final = f"this is nested more than {MAX_DEPTH} levels deep"
_TOO_LONG: Final = "a whole number has at most 64 bits"


class _NotHereError(MarkedYAMLError):
    """YAML, but none that is read here."""


class _Composer(Composer):
    """Composes nodes without tags; an anchor may be set again, as YAML has it."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in _TAGS:
            shown = str(tag).replace("tag:yaml.org,2002:", "!!")
            raise _NotHereError(
                problem=f"the tag {shown} is not used here", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


class _Constructor(RoundTripConstructor):
    """Leaves dates as they are written, and numbers of any length alone."""

    def construct_yaml_int(self, node: Any) -> Any:
        if len(node.value) > 70:  # 64 bits in the longest notation
            raise _NotHereError(problem=_TOO_LONG, problem_mark=node.start_mark)
        return super().construct_yaml_int(node)

    def construct_text(self, node: Any) -> str:
        return str(self.construct_scalar(node))


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_text)
_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.construct_yaml_int)


def load(text: str) -> Any:
    """Read a text into mappings and lists that know their lines, or raise `InvalidDocument`."""
    if len(text) > MAX_CHARACTERS:
        raise _refused(f"the text is longer than {MAX_CHARACTERS:,} characters")
    if "\0" in text:
        raise _refused("the text holds a NUL character", text.count("\n", 0, text.index("\0")) + 1)
    yaml = YAML(typ="rt", pure=True)
    yaml.Composer, yaml.Constructor = _Composer, _Constructor
    yaml.allow_duplicate_keys = False
    yaml.max_depth = MAX_DEPTH
    try:
        return yaml.load(text)
    except MaxDepthExceededError as error:
        raise _refused(_TOO_DEEP, error.problem_mark.line + 1) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refused(_says(error), mark.line + 1 if mark else None) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(f"the text is not YAML: {error.reason}", line) from None
    except RecursionError:
        raise _refused(_TOO_DEEP) from None
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, AssertionError,
            NotImplementedError) as error:  # fmt: skip
        # ruamel.yaml answers some malformed texts with whatever went wrong inside.
        raise _refused(f"the text is not YAML: {str(error).partition(chr(10))[0]}") from None


def _says(error: MarkedYAMLError) -> str:
    said = str(error.problem or error.context).partition("\n")[0]
    return said if isinstance(error, _NotHereError) else f"the text is not YAML: {said}"


def _refused(message: str, line: int | None = None) -> InvalidDocument:
    return InvalidDocument("This cannot be read", [Problem(message=message, line=line)])


def line_of(node: Any, key: str | int) -> int | None:
    """Return the line of a mapping's key or a list's item, counted from 1, where it is known."""
    data = getattr(getattr(node, "lc", None), "data", None)
    return data[key][0] + 1 if data and key in data else None


def plain(document: Any) -> Any:
    """Return what was read as plain JSON values, or raise `InvalidDocument`."""
    copy = _Copy()
    value = copy.of(document, (), None)
    if copy.problems:
        raise InvalidDocument("This cannot be read", copy.problems)
    return value


class _Copy:
    """A copy in the making, with what cannot be copied."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.values = 0

    def of(self, value: Any, path: tuple[str | int, ...], line: int | None) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            message = f"this holds more than {MAX_VALUES:,} values, each alias counted as used"
            raise InvalidDocument("This cannot be read", [Problem(message=message)])
        if len(path) > MAX_DEPTH:
            raise InvalidDocument("This cannot be read", [Problem(message=_TOO_DEEP, line=line)])
        match value:
            case str():
                return self.text(value, path, line)
            case Mapping():
                copy = {}
                for key, item in value.items():
                    at = line_of(value, key) or line
                    copy[self.key(key, path, at)] = self.of(item, (*path, str(key)), at)
                return copy
            case list() | tuple():
                return [
                    self.of(item, (*path, index), line_of(value, index) or line)
                    for index, item in enumerate(value)
                ]
            case None | bool():
                return value
            case int():
                if not -(2**63) <= value < 2**63:
                    self.refuse(_TOO_LONG, path, line)
                return int(value)
            case float():
                if not math.isfinite(value):
                    self.refuse("this is no number that can be kept", path, line)
                return float(value)
            case _:
                return self.refuse("this is neither text, number, list nor mapping", path, line)

    def key(self, key: Any, path: tuple[str | int, ...], line: int | None) -> str:
        if isinstance(key, str):
            return self.text(key, path, line)
        self.refuse(f"a key is a text: put {key} in quotes", path, line)
        return str(key)

    def text(self, value: str, path: tuple[str | int, ...], line: int | None) -> str:
        if value.isascii() and "\0" not in value:
            return value
        try:
            # JSON writes an emoji as two halves, which YAML reads as two characters.
            text = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.refuse("this text holds half a character (a lone surrogate)", path, line)
            return ""
        if "\0" in text:
            self.refuse("this text holds a NUL character", path, line)
        return text

    def refuse(self, message: str, path: tuple[str | int, ...], line: int | None) -> None:
        where = ".".join(map(str, path))
        said = f"{where}: {message}" if where else message
        self.problems.append(Problem(message=said, path=path, line=line))
