"""Brings the catalogues up to date with the source: `python -m designer.locale.update`.

New sentences, those of the library among them, appear untranslated in messages.po; translate them
and run it once more, which compiles what browsers are served from.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import journeys as library
from designer.words import CATALOGUES, LANGUAGES
from engine.model.document import parse_journey
from engine.model.ready_traits import ready_traits

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("designer", "engine")
METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS: Final = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "NN_": (1, 2),
                  "wrong": None, "unwise": None, "said": None, "refusal": (2,)}  # fmt: skip


def template() -> Catalog:
    """Return every sentence of the source."""
    catalogue = Catalog(charset="utf-8")
    found = [
        (f"{source}/{file}", message, context)
        for source in SOURCES
        for file, _line, message, _comments, context in extract_from_dir(
            ROOT / source,
            METHODS,
            options_map={"templates/**.html": {"trimmed": "true"}},
            keywords=KEYWORDS,
        )
    ]
    for filename, message, context in sorted(found, key=lambda one: one[0]):
        # Without line numbers, a moved line changes no catalogue.
        catalogue.add(message, locations=[(filename, 0)], context=context)
    for filename, message in _library():
        catalogue.add(message, locations=[(filename, 0)])
    return catalogue


def _library() -> Iterator[tuple[str, str]]:
    """Yield what ready journeys and computed traits are called, and what they say of themselves."""
    for name in library.names():
        journey = parse_journey(library.text(name))
        yield from (
            (f"journeys/{name}.yaml", said) for said in (journey.name, journey.note) if said
        )
    for trait in ready_traits(""):
        yield "engine/model/ready_traits.py", trait.name


def languages() -> Iterator[str]:
    """Yield the languages that have a catalogue."""
    yield from (language for language in LANGUAGES if language != "en")


def folder(language: str) -> Path:
    """Return where a language's catalogue lies."""
    return CATALOGUES / language / "LC_MESSAGES"


def read(language: str) -> Catalog:
    """Return a language's catalogue as translated so far."""
    path = folder(language) / "messages.po"
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue in the form that is served from."""
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update() -> dict[str, int]:
    """Write every catalogue anew; return how many sentences each still lacks."""
    lacking = {}
    source = template()
    for language in languages():
        catalogue = read(language)
        catalogue.update(source, no_fuzzy_matching=True, update_creation_date=False)
        catalogue.project, catalogue.version = "Parcours", "1"
        catalogue.header_comment = f"# Parcours: {LANGUAGES[language]}"
        catalogue.fuzzy = False
        catalogue.obsolete.clear()
        folder(language).mkdir(parents=True, exist_ok=True)
        with (folder(language) / "messages.po").open("wb") as file:
            write_po(file, catalogue, width=96, sort_output=True, include_lineno=False)
        (folder(language) / "messages.mo").write_bytes(compiled(catalogue))
        lacking[language] = sum(1 for message in catalogue if message.id and not is_done(message))
    return lacking


def is_done(message: object) -> bool:
    """Whether a message has a translation in every form it needs."""
    string = getattr(message, "string", "")
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    for name, count in update().items():
        print(f"{name}: {count} sentences lack a translation")  # noqa: T201 - a command's answer
