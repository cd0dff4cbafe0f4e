"""The hours that countries allow, and which country a customer is in."""

from datetime import time

import pytest

from engine.run.law import country_of, law_of


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+33612345678", "FR"),
        ("+41791234567", "CH"),
        ("+14165550123", "CA"),
        ("+12125550123", "US"),
        ("+447400123456", "GB"),
        ("+262692123456", "RE"),
        ("+80012345678", None),  # an international freephone number is of no country
        ("0612345678", None),
        ("not a number", None),
        ("", None),
        (None, None),
    ],
)
def test_a_number_tells_its_country(phone: str | None, country: str | None) -> None:
    assert country_of(phone) == country


@pytest.mark.parametrize("country", ["FR", "GP", "RE"])
def test_france_allows_no_advertising_on_sundays_and_holidays(country: str) -> None:
    law = law_of(country)
    assert law.on(0) == law.on(5) == (time(8), time(20))
    assert law.on(6) is None
    assert not law.holidays


def test_other_countries_have_hours_too() -> None:
    assert law_of("CA").on(2) == (time(9), time(21, 30))
    assert law_of("CA").on(6) == (time(10), time(18))
    assert law_of("US").on(6) == (time(8), time(20))
    for unknown in ("CH", "ZZ", None):
        assert [law_of(unknown).on(day) for day in range(7)] == [(time(8), time(21))] * 7
        assert law_of(unknown).holidays
