"""Which column of a file is what: told by whoever imports it, guessed by names before that."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from engine.errors import Said, said
from engine.flow.imports.names import ALIASES, SINGLE
from engine.flow.imports.reading import DATES, READINGS, Reading, guess, looks_like_instants
from engine.model.identity import LONGEST_NAMESPACE

About = Literal["customers", "events"]

IGNORE: Final = "ignore"
NAMED: Final = ("trait", "property", "id")
"""Targets that need a name, which follows after a colon: `trait:city`, `id:loyalty_card`."""

TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "customers": (
        "external_id", "anonymous_id", "id", "email", "phone", "locale", "time_zone", "trait",
    ),
    "events": ("external_id", "anonymous_id", "id", "event", "timestamp", "message_id", "property"),
}  # fmt: skip
"""What a column can be, by what the file is about; any of them can be left out (`ignore`)."""

_NAMESPACE: Final = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file, what it is, and how its texts are read."""

    name: str
    to: str = IGNORE
    reading: Reading = "auto"

    @property
    def target(self) -> str:
        """What it is, without a name."""
        return self.to.partition(":")[0]

    @property
    def called(self) -> str:
        """The trait, property or kind of id that it is."""
        return self.to.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Assigned:
    """All columns; `event` is what every row is where no column says it."""

    columns: tuple[Column, ...]
    event: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"columns": [asdict(column) for column in self.columns], "event": self.event}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the mapping: in which of its columns, in its event, or in the whole."""

    said: Said
    column: int | None = None
    event: bool = False


def assigned(document: Mapping[str, Any]) -> Assigned:
    """Return a mapping as it was stored."""
    columns = tuple(Column(**column) for column in document["columns"])
    return Assigned(columns, document["event"])


def guessed(about: About, names: Sequence[str], samples: Iterable[Mapping[str, Any]]) -> Assigned:
    """Return what the columns seem to be, by their names and some of their texts."""
    rows = list(samples)
    columns: list[Column] = []
    taken: set[str] = set()
    for name in names:
        texts = [text for row in rows if isinstance(text := row.get(name), str)]
        to = _target(about, name)
        if to in taken:  # a second column of the kind is something of its own
            to = f"{_rest(about)}:{_plain(name)}"
        if to in taken:
            to = IGNORE
        taken.add(to)
        reading = guess(texts)
        if to == "timestamp" and looks_like_instants(texts):
            reading = "seconds"
        columns.append(Column(name, to, reading))
    dated = [n for n, column in enumerate(columns) if column.reading in DATES]
    if about == "events" and "timestamp" not in taken and len(dated) == 1:
        columns[dated[0]] = replace(columns[dated[0]], to="timestamp")
    return Assigned(tuple(columns), "Order Completed" if _are_orders(taken) else "")


def _are_orders(targets: set[str]) -> bool:
    return "event" not in targets and "property:order_id" in targets


def faults(about: About, mapping: Assigned) -> list[Fault]:
    """Return what has to be mended before a file can be read by this mapping."""
    found = [
        Fault(fault, index)
        for index, column in enumerate(mapping.columns)
        if (fault := _fault(about, column)) is not None
    ]
    seen: dict[str, str] = {}
    for index, column in enumerate(mapping.columns):
        if column.to in seen:
            doubled = said("The column %(name)s is this already.", name=seen[column.to])
            found.append(Fault(doubled, index))
        elif column.to != IGNORE:
            seen[column.to] = column.name
    targets = {column.target for column in mapping.columns}
    if not targets & {"external_id", "anonymous_id", "id"}:
        found.append(Fault(said("Say which column tells whom a row is about: an id of hers.")))
    if about == "events":
        if sum(column.target == "id" for column in mapping.columns) > 1:
            found.append(Fault(said("One column with another kind of id is enough for events.")))
        if "timestamp" not in targets:
            found.append(Fault(said("Say which column tells when it happened.")))
        if "event" not in targets and not mapping.event:
            which = said("Say which event the rows are, or which column tells it.")
            found.append(Fault(which, event=True))
    return found


def _fault(about: About, column: Column) -> Said | None:
    if column.target != IGNORE and column.target not in TARGETS[about]:
        return said("This cannot be imported here.")
    if column.reading not in READINGS:
        return said("Choose how it is written.")
    if column.target == "timestamp" and column.reading not in {*DATES, "auto"}:
        return said("Choose how its dates are written.")
    if column.target not in NAMED:
        return None
    if not column.called or len(column.called) > LONGEST_NAME or "\0" in column.called:
        return said("Give it a name.")
    if column.target == "id":
        if column.called in {"external_id", "anonymous_id", "email", "phone"}:
            return said("Choose this in the list instead.")
        if len(column.called) > LONGEST_NAMESPACE or not _NAMESPACE.fullmatch(column.called):
            return said("Write small letters, digits and _, as in loyalty_card.")
    return None


def _rest(about: About) -> str:
    return "trait" if about == "customers" else "property"


def _target(about: About, name: str) -> str:
    """Return what a column of this name is; unknown names are traits, or properties."""
    for prefix, target in (("traits.", "trait"), ("properties.", "property")):
        if name.startswith(prefix) and _rest(about) == target:
            inner = name.removeprefix(prefix)
            alias = ALIASES[about].get(_plain(inner))
            return alias if alias in SINGLE else f"{target}:{inner}"
    if about == "events" and name.startswith(("traits.", "context.")):
        return IGNORE
    if (known := ALIASES[about].get(_plain(name))) is not None:
        return known
    plain = name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", name) else _plain(name)
    return f"{_rest(about)}:{plain}" if plain else IGNORE


def _plain(name: str) -> str:
    """Write a column's name without accents and signs: `Nº de client` is `n_de_client`."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
