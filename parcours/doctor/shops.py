"""The shops' own systems: whether what they tell is taken."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from engine.settings import LOOPBACK, Settings
from parcours.doctor.finding import Finding, unwise, well


def look(settings: Settings) -> Iterator[Finding]:
    """Look at each shop that is set up; one that is not is nobody's fault."""
    for name, path, secret in (
        ("Shopify", "shopify", settings.shopify_secret),
        ("PrestaShop", "prestashop", settings.prestashop_secret),
    ):
        if secret:
            yield _reached(name, f"{settings.url}/hooks/{path}", secret.get_secret_value())


def _reached(name: str, address: str, secret: str) -> Finding:
    if len(secret) < 16:
        mend = "Take one of 32 characters or more, by chance, on both sides"
        return unwise(name, "its secret is short enough to be guessed", mend)
    parts = urlsplit(address)
    if (parts.hostname or "") in LOOPBACK or parts.scheme != "https":
        mend = "Set PARCOURS_PUBLIC_URL to an https:// address that the shop reaches"
        return unwise(name, f"is to tell {address}, which it may not reach", mend)
    return well(name, f"is heard at {address}")
