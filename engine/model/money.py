"""Amounts of money, and what they are in."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer, StringConstraints

Money = Annotated[
    Decimal,
    Field(ge=0, max_digits=16, decimal_places=4),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""An amount, never negative; exact here, a number in JSON."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217. Amounts of two currencies are never added."""
