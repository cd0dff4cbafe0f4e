"""How the push transports tell that an address is no more."""

from typing import Final

EXPIRED: Final = "expired"
"""The reason of a refusal because the app was removed, or the browser's permission withdrawn."""
