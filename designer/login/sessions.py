"""Sessions, kept on the server and known by a cookie; and the signed tokens of their forms."""

import time
from datetime import timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from engine.store import sessions, users
from engine.store.session import Database
from engine.store.sessions import Login

COOKIE: Final = "parcours_session"
LIFE: Final = timedelta(days=14)
_LONGEST_BROWSER: Final = 300


class Sessions:
    """Opens, finds and ends sessions; makes and checks the tokens of forms.

    A session that was found is remembered for some seconds: for so long another process may
    still let it pass once it has been ended.
    """

    def __init__(
        self, database: Database, key: str, *, secure: bool, remembered: float = 5.0
    ) -> None:
        self._database = database
        self._forms = URLSafeTimedSerializer(key, salt="parcours.form")
        self._secure = secure
        self._remembered = remembered
        self._found: dict[bytes, tuple[float, Login]] = {}

    def open(self, request: Request, response: Response, user: UUID | None = None) -> None:
        """Begin a session with this answer: a user's, or without one the operator's."""
        self.close(request, response)
        token = token_urlsafe(32)
        browser = request.headers.get("User-Agent", "")[:_LONGEST_BROWSER].replace("\0", "")

        def work(connection: Connection) -> None:
            sessions.open_(connection, token, user, browser, LIFE)
            if user is not None:
                users.logged_in(connection, user)

        self._database.transact(work)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(LIFE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def close(self, request: Request, response: Response) -> None:
        """End the request's session, if it has one, with this answer."""
        login = self.find(request.cookies.get(COOKIE))
        if login is not None:
            self.end(login.id, user=login.user)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._secure)

    def end(self, session: UUID, *, user: UUID | None) -> bool:
        """End one session of a user, or of the operator; return whether there was one."""
        done = self._database.transact(lambda c: sessions.end(c, session, user=user))
        self.forget()
        return done

    def forget(self) -> None:
        """Remember nothing: some session has just been ended."""
        self._found.clear()

    def remembered(self, token: str | None) -> Login | None:
        """Return a cookie's session if it was found a moment ago; never waits."""
        until, login = self._found.get(sessions.hashed(token or ""), (0.0, None))
        return login if until > time.monotonic() else None

    def find(self, token: str | None) -> Login | None:
        """Return a cookie's session; may ask the database. Raises `Unavailable` when that is away."""
        if not token:
            return None
        if (known := self.remembered(token)) is not None:
            return known
        hashed = sessions.hashed(token)
        with self._database.read() as connection:
            found = sessions.find(connection, token)
        if found is None:
            self._found.pop(hashed, None)
            return None
        login, stale = found
        if stale:
            self._database.transact(lambda connection: sessions.seen(connection, login.id))
        now = time.monotonic()
        self._found = {key: kept for key, kept in list(self._found.items()) if kept[0] > now}
        self._found[hashed] = (now + self._remembered, login)
        return login

    def form_token(self, session: Login) -> str:
        """Return a token for the session's forms: a different one each time, so that compressed
        pages give nothing away.
        """  # noqa: D205 - one sentence
        return str(self._forms.dumps([str(session.id), token_urlsafe(6)]))

    def accepts(self, session: Login, token: str) -> bool:
        """Whether the token was made for a form of this session."""
        try:
            owner = self._forms.loads(token, max_age=int(LIFE.total_seconds()))[0]
        except (BadSignature, TypeError, IndexError, KeyError):
            return False
        return compare_digest(str(owner), str(session.id))
