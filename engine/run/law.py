"""The hours in which countries allow advertising by SMS.

Where the text of the law is about calls alone, its hours are kept for SMS too, and its forbidden
days are not. This is care, not legal advice: shops ask their lawyers.
"""

from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import Final

import phonenumbers

Span = tuple[time, time]
"""From and up to, not including, on one local day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """When advertising may be sent, on the customer's clock; a day of None is closed.

    `holidays` tells whether public holidays are days like others.
    """

    weekdays: Span
    saturday: Span | None
    sunday: Span | None
    holidays: bool = True

    def on(self, weekday: int) -> Span | None:
        """Return the hours of a day of the week, Monday being 0."""
        return {5: self.saturday, 6: self.sunday}.get(weekday, self.weekdays)


def _every_day(opens: int, closes: int) -> Law:
    span = time(opens), time(closes)
    return Law(weekdays=span, saturday=span, sunday=span)


_DEFAULT: Final = _every_day(8, 21)

_EIGHT_TO_EIGHT: Final = _every_day(8, 20)

# No advertising by SMS on Sundays and public holidays, nor from 22:00 to 8:00: the charter of the
# French operators (AF2M), as providers apply it (developers.brevo.com, "Send SMS message").
# Bouygues and SFR were seen to take none after 20:00 (github.com/element-hq/element-web/issues/7672),
# so the evening ends then.
_FRANCE: Final = Law(
    weekdays=(time(8), time(20)), saturday=(time(8), time(20)), sunday=None, holidays=False
)

# CRTC, Unsolicited Telecommunications Rules, part III, section 23: calls from 9:00 to 21:30 on
# weekdays and from 10:00 to 18:00 at weekends.
_CANADA: Final = Law(
    weekdays=(time(9), time(21, 30)),
    saturday=(time(10), time(18)),
    sunday=(time(10), time(18)),
)

_LAWS: Final = {
    "FR": _FRANCE,
    # Overseas, the French rules hold by the local clock.
    **dict.fromkeys(("BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT"), _FRANCE),
    "CA": _CANADA,
    # 47 CFR 64.1200(c)(1) allows 8:00 to 21:00 by the called party's clock; Florida (statutes,
    # 501.616(6)(a)) and others end at 20:00, and a telephone number does not tell the state.
    "US": _EIGHT_TO_EIGHT,
    # Real Decreto Legislativo 1/2007, article 96.2: calls from 9:00 to 21:00.
    "ES": _every_day(9, 21),
    # Garante, code of conduct for telemarketing (2023): calls from 9:00 to 20:00.
    "IT": _every_day(9, 20),
    # No law on the hour; these are what providers advise (kb.zap.co.uk, "SMS quiet hours").
    **dict.fromkeys(("AU", "DE", "GB", "IE", "NL", "NZ"), _EIGHT_TO_EIGHT),
}


def law_of(country: str | None) -> Law:
    """Return the legal hours of a country by its ISO 3166 code; 8:00 to 21:00 when not known."""
    return _LAWS.get(country or "", _DEFAULT)


@lru_cache(maxsize=5000)
def country_of(phone: str | None) -> str | None:
    """Return the country of an E.164 number by its ISO 3166 code, or None when it tells none."""
    try:
        number = phonenumbers.parse(phone or "")
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(number)
    return region if region and region.isalpha() else None  # 001 is no country
