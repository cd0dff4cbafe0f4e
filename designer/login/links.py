"""Links that let in: the operator's, and those by which a person sets her password."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from engine.settings import Settings
from engine.store.users import User

LINK_LIFE: Final = timedelta(hours=24)
INVITATION_LIFE: Final = timedelta(days=7)
RESET_LIFE: Final = timedelta(hours=24)


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


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """What a link to set a password says: whose, made when, and for which state of her row."""

    user: UUID
    made_at: datetime
    state: str

    def holds(self, user: User) -> bool:
        """Whether it still does: it was made for her password, or her having none, as it is now.

        Once she has set another, it is used up; so are all others that were made before.
        """
        life = INVITATION_LIFE if user.password_hash is None else RESET_LIFE
        return compare_digest(self.state, _state(user)) and datetime.now(UTC) < self.made_at + life


def password_link(key: str, url: str, user: User) -> str:
    """Return an address at which somebody sets her password, once."""
    token = _password_signer(key).dumps([user.id.hex, _state(user)])
    return f"{url}/password?token={token}"


def read_password_link(key: str, token: str) -> PasswordLink | None:
    """Return what a link says, if it is one of ours."""
    try:
        said, at = _password_signer(key).loads(
            token, max_age=int(INVITATION_LIFE.total_seconds()), return_timestamp=True
        )
    except BadSignature:
        return None
    return PasswordLink(UUID(hex=said[0]), at, said[1])


def _password_signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="parcours.password")


def _state(user: User) -> str:
    return sha256((user.password_hash or "").encode()).hexdigest()[:32]
