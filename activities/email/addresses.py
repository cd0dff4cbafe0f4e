"""Addresses of email, as mail servers know them."""

import re
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Final

from email_validator import EmailNotValidError, validate_email

from engine.errors import InvalidInput

_LOCAL: Final = re.compile(r"[^\s\x00-\x1f\x7f@<>\"(),:;\\\[\]]+")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def named(written: str) -> Address:
    """Read `Name <local@domain>`; raise `ValueError` when it is none."""
    if not written.isprintable():
        raise ValueError("no address")
    name, address = parseaddr(written)
    return plain(address, name)


def plain(address: str, name: str = "") -> Address:
    """Read `local@domain`, its domain written as the mail servers know it."""
    if not address.isascii():
        try:
            checked = validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            raise ValueError("no address") from None
        return Address(name, checked.local_part, checked.ascii_domain)
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise ValueError("no address")
    return Address(name, local, domain)


def check_sender(written: str) -> None:
    """Raise `InvalidInput` when mail cannot come from this address."""
    try:
        named(written)
    except ValueError:
        raise InvalidInput(
            f"PARCOURS_EMAIL_FROM must look like Shop <mail@shop.example>, not {written!r}."
        ) from None
