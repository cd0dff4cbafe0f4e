"""Sessions and the tokens of their forms: both signed, neither kept on the server."""

from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

COOKIE: Final = "parcours_session"
LIFE: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Session:
    """Someone who has logged in."""

    id: str


class Sessions:
    """Opens, reads and closes sessions; makes and checks the tokens of forms."""

    def __init__(self, key: str, *, secure: bool) -> None:
        self._cookies = URLSafeTimedSerializer(key, salt="parcours.session")
        self._forms = URLSafeTimedSerializer(key, salt="parcours.form")
        self._secure = secure

    def open(self, response: Response) -> None:
        """Begin a session with this answer."""
        response.set_cookie(
            COOKIE,
            self._cookies.dumps(token_urlsafe(18)),
            max_age=int(LIFE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def close(self, response: Response) -> None:
        """End the session with this answer."""
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._secure)

    def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, if it is one of ours and not too old."""
        try:
            found = self._cookies.loads(cookie or "", max_age=int(LIFE.total_seconds()))
        except BadSignature:
            return None
        return Session(str(found))

    def form_token(self, session: Session) -> str:
        """Return a token for the session's forms: a different one each time, so that compressed
        pages give nothing away.
        """  # noqa: D205 - one sentence
        return str(self._forms.dumps([session.id, token_urlsafe(6)]))

    def accepts(self, session: Session, token: str) -> bool:
        """Whether the token was made for a form of this session."""
        try:
            owner = self._forms.loads(token, max_age=int(LIFE.total_seconds()))[0]
        except (BadSignature, TypeError, IndexError, KeyError):
            return False
        return compare_digest(str(owner), session.id)
