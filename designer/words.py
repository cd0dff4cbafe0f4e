"""The reader's language: sentences, dates, numbers and money the way she writes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent
from babel.support import Translations

from engine.errors import Problem, Said

CATALOGUES: Final = Path(__file__).parent / "locale"

LANGUAGES: Final = {"en": "English", "fr": "Français"}
"""The languages of the interface; English is the one of the source."""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a sentence for translation where it is written, not where it is shown."""
    return message


def NN_(one: str, many: str) -> tuple[str, str]:  # noqa: N802 - like the one above
    """Mark a sentence with its plural, both for `Words.ngettext`."""
    return one, many


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> NullTranslations:
    """Return the translations into a language; the source's own has none."""
    return NullTranslations() if language == "en" else Translations.load(CATALOGUES, [language])


def _locale(language: str, accepted: str) -> Locale:
    """Return the first accepted locale of that language: `fr-CH` writes numbers its own way."""
    for tag in (*_tags(accepted), language):
        if tag.split("-")[0].lower() == language:
            try:
                return Locale.parse(tag, sep="-")
            except (ValueError, UnknownLocaleError):
                continue
    return Locale(language)


def _tags(accepted: str) -> list[str]:
    weighed = []
    for part in accepted.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            weighed.append((-float(quality or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda item: item[0])]


def negotiate(chosen: str | None, accepted: str) -> str:
    """Return the language to speak: the chosen one, else the first accepted that there is."""
    if chosen in LANGUAGES:
        return chosen
    for tag in _tags(accepted):
        if (language := tag.split("-")[0].lower()) in LANGUAGES:
            return language
    return "en"


@dataclass(frozen=True, slots=True)
class Shop:
    """What of the workspace's settings the pages show things by."""

    name: str = "My shop"
    zone: str = "UTC"
    currency: str = "CHF"
    demo: bool = False
    demo_visits: bool = False


@lru_cache(maxsize=4096)
def _number(value: float | Decimal, locale: str) -> str:
    try:
        return str(format_decimal(value, locale=locale))
    except InvalidOperation:  # longer than 28 digits
        return str(value)


class Words:
    """One reader's language, zone and currency."""

    def __init__(
        self,
        language: str = "en",
        *,
        accepted: str = "",
        shop: Shop | None = None,
        now: datetime | None = None,
    ) -> None:
        self.language = language
        self.locale = _locale(language, accepted)
        self._locale_name = str(self.locale)
        self.shop = shop or Shop()
        self.zone = ZoneInfo(self.shop.zone)
        self._year = self.local(now or datetime.now(UTC)).year
        self._catalogue = catalogue(language)

    def gettext(self, message: str, /, **values: object) -> str:
        """Return the sentence in the reader's language, its `%(name)s` filled."""
        found = self._catalogue.gettext(message) if message else ""
        return found % values if values else found

    def ngettext(self, one: str, many: str, n: int, /, **values: object) -> str:
        """Return the sentence for that number; `%(n)s` is the number as the reader writes it."""
        return self._catalogue.ngettext(one, many, n) % {"n": self.number(n), **values}

    def said(self, said: Said) -> str:
        """Say a sentence of the engine's."""
        values = {
            name: self.said(value) if isinstance(value, Said) else value
            for name, value in said.values
        }
        return self.gettext(said.text, **values)

    def problem(self, problem: Problem) -> str:
        """Say what is wrong with a document."""
        return self.said(problem.said) if problem.said is not None else problem.message

    def number(self, value: float | Decimal) -> str:
        """Write a number."""
        return _number(value, self._locale_name)

    def percent(self, share: float, *, digits: int = 0) -> str:
        """Write a share of one in percent."""
        pattern = self.locale.percent_formats[None].pattern
        if digits:
            pattern = pattern.replace("0", "0." + "0" * digits, 1)
        return str(format_percent(share, pattern, locale=self.locale))

    def money(self, amount: float | Decimal, currency: str | None = None) -> str:
        """Write an amount, in the shop's currency unless another is named."""
        written = str(format_currency(amount, currency or self.shop.currency, locale=self.locale))
        # A code, unlike a sign, stands apart from its number.
        return re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", "\N{NO-BREAK SPACE}", written)

    def local(self, at: datetime) -> datetime:
        """Return the instant on the shop's clock."""
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(self.zone)

    def day(self, day: date | datetime) -> str:
        """Write a day: 21 Nov 2025."""
        return str(format_date(self._day_of(day), "medium", locale=self.locale))

    def long_day(self, day: date | datetime) -> str:
        """Write a day with its weekday."""
        return str(format_date(self._day_of(day), "full", locale=self.locale))

    def time(self, at: datetime) -> str:
        """Write the time of day."""
        return str(format_time(self.local(at), "short", locale=self.locale))

    def clock(self, at: datetime) -> str:
        """Write the time of day to the second."""
        return str(format_time(self.local(at), "medium", locale=self.locale))

    def instant(self, at: datetime) -> str:
        """Write day and time to the second, with the zone."""
        local = self.local(at)
        return f"{format_datetime(local, 'medium', locale=self.locale)} {local:%Z}"

    def moment(self, at: datetime) -> str:
        """Write day and time, short enough for a table: the year only when it is another one."""
        # Day and time apart exist in every locale; together only in some.
        local = self.local(at)
        skeleton, plain = ("MMMd", "d MMM") if local.year == self._year else ("yMMMd", "d MMM y")
        day = self.locale.datetime_skeletons.get(skeleton)
        pattern = f"{day.pattern if day else plain}, {self.locale.time_formats['short'].pattern}"
        return str(format_datetime(local, pattern, locale=self.locale))

    def ago(self, at: datetime, now: datetime) -> str:
        """Write how long ago it was, or how soon it will be."""
        delta = at - now
        if abs(delta.total_seconds()) < 1:
            return self.gettext("just now")
        return str(format_timedelta(delta, add_direction=True, threshold=1, locale=self.locale))

    def items(self, values: list[str], *, style: str = "standard") -> str:
        """Write a list: a, b and c; with style `or`: a, b or c."""
        chosen: Any = style
        return str(format_list(values, style=chosen, locale=self.locale)) if values else ""

    def quote(self, name: str) -> str:
        """Put a name in the reader's quotation marks."""
        return self.gettext("“%(name)s”", name=name)

    def value(self, value: object) -> str:
        """Write any JSON value."""
        match value:
            case None:
                return "—"
            case bool():
                return self.gettext("yes") if value else self.gettext("no")
            case int() | float() | Decimal():
                return self.number(value)
            case list() | tuple():
                return ", ".join(self.value(item) for item in value)
            case Mapping():
                return ", ".join(f"{key}: {self.value(item)}" for key, item in value.items())
            case _:
                return str(value)

    def _day_of(self, day: date | datetime) -> date:
        return self.local(day).date() if isinstance(day, datetime) else day
