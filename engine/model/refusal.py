"""Why a document's value is refused, in a sentence that the pages can say in other languages."""

from typing import LiteralString

from pydantic_core import PydanticCustomError

from engine.errors import said

SENTENCE = "sentence"
"""Where the error's context keeps the sentence apart from its values."""


def refusal(kind: LiteralString, text: str, /, **values: object) -> PydanticCustomError:
    """Return the error to raise in a validator; `values` fill the text's `%(name)s`."""
    sentence = said(text, **values)
    return PydanticCustomError(kind, "{said}", {"said": str(sentence), SENTENCE: sentence})
