"""Values inside JSON documents, in SQL: traits, properties, and what is made of them.

A value that is missing, or null, is NULL.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import ARRAY, Double, Numeric, Text, and_, case, cast, func, literal, null
from sqlalchemy.dialects.postgresql import JSONB

from engine.store.instants_sql import Expression

MISSING: Final = cast(null(), JSONB)
NULL: Final = cast(literal("null", Text), JSONB)
ZERO: Final = cast(literal("0", Text), JSONB)


def look_up(documents: Sequence[Expression], name: str) -> Expression:
    """Return the value of that name, or what lies inside at `a.b`.

    As `engine.run.conditions.look_up` does in the documents' union, of which the first hides the
    others.
    """
    if not writable(name):
        return MISSING
    first, *inner = name.split(".")
    ways = [(document.op("?")(literal(name, Text)), key(document, name)) for document in documents]
    if inner:
        for document in documents:
            found = key(document, first)
            for part in inner:
                found = key(found, part)
            ways.append((document.op("?")(literal(first, Text)), found))
    *some, (_, last) = ways
    found = case(*some, else_=last) if some else last
    return func.nullif(found, NULL, type_=JSONB)


def key(document: Expression, name: str) -> Expression:
    """Return what a document has under a key; NULL when it is no document, or has none."""
    return document.op("->", return_type=JSONB())(literal(name, Text))


def text_at(document: Expression, name: str) -> Expression:
    """Return what a document has under a key, as a text."""
    return document.op("->>", return_type=Text())(literal(name, Text))


def text_of(value: Expression) -> Expression:
    """Return a value's text, NULL when it is none."""
    return case((func.jsonb_typeof(value) == "string", _written(value)))


def number_of(value: Expression) -> Expression:
    """Return a value's number, NULL when it is none."""
    return case((func.jsonb_typeof(value) == "number", cast(value, Numeric)))


def writable(text: str) -> bool:
    """Whether the database can hold a text at all."""
    return "\x00" not in text and not re.search("[\ud800-\udfff]", text)


def exact(number: float) -> Decimal:
    """Return a number as the database has it: a whole one to its last digit, another as written.

    Whole numbers of more than 64 bits are floating-point ones when they are read.
    """
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**64:
        return Decimal(int(number))
    return Decimal(str(number))


def _written(value: Expression) -> Expression:
    return value.op("#>>", return_type=Text())(cast(literal("{}", Text), ARRAY(Text)))


_FINEST: Final = Decimal(0).scaleb(-60)
_LARGEST: Final = Decimal("1e300")


def mean(total: Expression, n: Expression) -> Expression:
    """Return an average, with more digits than a floating-point number has."""
    return (total + literal(_FINEST, Numeric)) / func.nullif(n, 0)


def as_counted(total: Expression) -> Expression:
    """Return what numbers come to as the engine has it: a whole number, or a floating-point one."""
    floating = cast(cast(cast(total, Double), Text), Numeric)
    size = func.abs(total)
    return case(
        (total == func.trunc(total), total),
        (and_(size < _LARGEST, size > 1 / _LARGEST), floating),
        else_=total,
    )
