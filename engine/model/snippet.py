"""Pieces of content that templates share."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from engine.model.base import Frozen, Name, Slug
from engine.model.locale import chosen

Body = Annotated[str, Field(max_length=100_000)]


class Snippet(Frozen):
    """A piece that templates put in by `{% render "id" %}`, in one or more languages."""

    id: Slug
    name: Name
    locales: dict[str, Body] = Field(min_length=1)

    def body(self, *wanted: str | None) -> str:
        """Return the piece in the first wanted locale that exists, or its language, or any."""
        return chosen(self.locales, *wanted)


def bodies(snippets: Mapping[str, Snippet], *wanted: str | None) -> dict[str, str]:
    """Return every snippet's text by its id, in the first wanted locale that it has."""
    return {snippet.id: snippet.body(*wanted) for snippet in snippets.values()}
