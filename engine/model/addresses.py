"""Addresses as they are written to, read from what people and programs write."""

from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from engine.errors import InvalidInput


def email_address(value: Any) -> str:
    """Return the address as it is written to, or say what is wrong with it."""
    try:
        return validate_email(str(value), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidInput(f"{str(value)!r} is no email address: {error}") from None


def phone_number(value: Any, region: str | None = None) -> str:
    """Return the number in E.164, like +41446681800, or say what is wrong with it.

    `region` is the country (ISO 3166, two letters) of numbers written without one.
    """
    try:
        number = phonenumbers.parse(str(value), region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise InvalidInput(
            f"{str(value)!r} is no phone number: write it with its country, like +41 44 668 18 00."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
