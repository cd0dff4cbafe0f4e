"""Where unique coupon codes come from."""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from engine.model.base import Frozen, Name, Slug
from engine.model.refusal import refusal

Code = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,100}$")]
"""A coupon's code: printable letters, digits and signs without spaces, at most 100."""

PLACES = re.compile("X{2,}")
"""The runs of X in a pattern, each X of which becomes a letter or a digit."""


class CouponPool(Frozen):
    """Codes for `{{ coupon.<id> }}`: each message gets one of its own.

    `given`: the shop adds them. `generated`: they are made by `pattern`, in which every X of a
    run of two or more becomes a letter or a digit. After the day `expires` none is given out.
    """

    id: Slug
    name: Name
    kind: Literal["given", "generated"] = "given"
    pattern: Code | None = Field(default=None, examples=["SPRING-XXXX-XXXX"])
    expires: date | None = None

    @model_validator(mode="after")
    def _made_somehow(self) -> Self:
        if self.kind == "given" and self.pattern is not None:
            raise refusal("pattern", "codes that are given have no `pattern`: leave it out")
        if self.kind == "generated" and self.places < 6:
            raise refusal(
                "pattern",
                "a `pattern` needs six X or more, in runs of two or more, so that nobody guesses codes: like SPRING-XXXX-XXXX",
            )
        return self

    @property
    def places(self) -> int:
        """How many letters and digits of a code are made up."""
        return sum(len(run) for run in PLACES.findall(self.pattern or ""))

    def has_expired(self, today: date) -> bool:
        """Whether no code may be given out any more."""
        return self.expires is not None and today > self.expires


class Codes(Frozen):
    """Codes to add to a pool."""

    codes: tuple[Code, ...] = Field(min_length=1, max_length=50_000)
