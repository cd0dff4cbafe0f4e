"""Coupon pools: what they say of themselves, and the codes they make."""

import re
from datetime import date

import pytest
from pydantic import ValidationError

from engine.flow.coupons import made
from engine.model.coupon import CouponPool


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "generated"},
        {"kind": "generated", "pattern": "SAVE-XXXXX"},
        {"kind": "generated", "pattern": "X-X-X-X-X-X-X"},
        {"kind": "generated", "pattern": "WITH SPACE XXXXXXXX"},
        {"kind": "given", "pattern": "SPRING-XXXX-XXXX"},
    ],
)
def test_a_pool_that_makes_no_sense_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        CouponPool.model_validate({"id": "spring", "name": "Spring", **more})


def test_codes_are_made_by_the_pattern_alone() -> None:
    codes = {made("XMAS-XXXX-XXXX") for _ in range(100)}
    assert len(codes) == 100
    assert all(re.fullmatch(r"XMAS-[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}", code) for code in codes)


def test_a_pool_holds_through_its_last_day() -> None:
    pool = CouponPool(id="a", name="A", expires=date(2026, 3, 31))
    assert not pool.has_expired(date(2026, 3, 31))
    assert pool.has_expired(date(2026, 4, 1))
    assert not CouponPool(id="a", name="A").has_expired(date(2099, 1, 1))
