"""The link that logs its opener in."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from engine.settings import Settings

LINK_LIFE: Final = timedelta(hours=24)


def _signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="parcours.login")


def login_link(settings: Settings) -> str:
    """Return an address that opens a session for whoever opens it, for a day."""
    token = _signer(settings.signing_key()).dumps(token_urlsafe(9))
    return f"{settings.url}/login?token={token}"


def is_valid(key: str, token: str) -> bool:
    """Whether the token is one of ours and not older than a day."""
    try:
        _signer(key).loads(token, max_age=int(LINK_LIFE.total_seconds()))
    except BadSignature:
        return False
    return True
