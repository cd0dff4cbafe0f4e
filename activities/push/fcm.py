"""Push messages to apps over Firebase Cloud Messaging's HTTP v1 API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials

from activities.outward import Answered
from activities.provider import ask, hand_over, refusal
from activities.push.expired import EXPIRED
from activities.transport import (
    Found,
    Letter,
    OutcomeUnknownError,
    Settling,
    Sought,
    TransportError,
)
from engine.errors import InvalidInput

_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_GONE: Final = "UNREGISTERED"
"""The only sign that a token is no more; a wrong project or base URL answers 404 as well."""

_PERMANENT: Final = frozenset({"INVALID_ARGUMENT", "SENDER_ID_MISMATCH"})
"""Names of errors about this message or this token; all others are about us, or about now."""


class FcmTransport:
    """Hands push messages to FCM; an address is an app's registration token.

    FCM takes no idempotency key and cannot be asked. A message that is handed over again carries
    the same tag, so that on the phone it takes the place of the first.
    """

    name = "fcm"
    settling: Settling = "class"

    def __init__(self, credentials: Credentials, project: str, base_url: str) -> None:
        self._credentials = credentials
        self._url = f"{base_url}/v1/projects/{project}/messages:send"
        self._lock = Lock()

    @classmethod
    def load(cls, file: Path, base_url: str) -> "FcmTransport":
        """Read a service account's file.

        Raises:
            InvalidInput: it is none.
        """
        try:
            credentials = Credentials.from_service_account_file(str(file), scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        except (OSError, ValueError, GoogleAuthError):
            credentials = None
        if credentials is None or not credentials.project_id:
            raise InvalidInput(
                f"PARCOURS_FCM_CREDENTIALS: {file} is no service account's file; "
                "the Firebase console makes one under Project settings, Service accounts."
            )
        return cls(credentials, credentials.project_id, base_url)

    def send(self, letter: Letter) -> str | None:
        """Send one push message; see `Transport.send`."""
        body = json.dumps({"message": _message(letter)}).encode()
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        answered = hand_over(self._url, headers, body, letter.deadline)
        if not 200 <= answered.status < 300:
            raise self._refusal(answered)
        try:
            return str(json.loads(answered.body)["name"]).rpartition("/")[2]
        except (ValueError, LookupError, TypeError):
            return None

    def find(self, sought: Sought) -> Found | None:  # noqa: ARG002 - the protocol's
        """FCM cannot be asked."""
        return None

    def token(self) -> str:
        """Return the access token; one at a time asks for a new one.

        Raises `TransportError` when Google gives none.
        """
        with self._lock:
            if not self._credentials.valid:
                try:
                    self._credentials.refresh(_request)  # type: ignore[no-untyped-call]
                except GoogleAuthError as error:
                    raise TransportError(
                        f"no access to FCM ({type(error).__name__})", permanent=False
                    ) from None
            return str(self._credentials.token)

    def _refusal(self, answered: Answered) -> TransportError | OutcomeUnknownError:
        code = _code(answered)
        if code == _GONE:
            return TransportError(EXPIRED, permanent=True)
        if answered.status == 401:
            with self._lock:
                self._credentials.token = None  # it was revoked before its time
        return refusal("FCM", answered, permanent=code in _PERMANENT, code=code)


def _message(letter: Letter) -> dict[str, Any]:
    tag = str(letter.id)
    notification = {"title": letter.subject, "body": letter.body, "image": letter.image}
    message: dict[str, Any] = {
        "token": letter.to,
        "notification": {name: value for name, value in notification.items() if value},
        "data": {"parcours_message": tag} | ({"link": letter.link} if letter.link else {}),
        "android": {"notification": {"tag": tag}},
        "apns": {"headers": {"apns-collapse-id": tag}},
    }
    if letter.link and letter.link.startswith("https://"):
        message["webpush"] = {"fcm_options": {"link": letter.link}}
    return message


def _code(answered: Answered) -> str:
    """FCM's own name of an error, else the one of Google's interfaces."""
    try:
        error = json.loads(answered.body)["error"]
        codes = [detail.get("errorCode") for detail in error.get("details", ())]
        code = next(filter(None, codes), None) or error.get("status")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return code if isinstance(code, str) and code.replace("_", "").isalpha() else ""


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer in the shape that google-auth reads."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _request(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: Any,
) -> _Response:
    """Ask Google for a token; google-auth would ask again and again where it is told of failures."""
    answered = ask(method, url, headers or {}, body or b"")
    if answered.status != 200:
        raise TransportError(f"no access to FCM: {answered.status}", permanent=False)
    return _Response(answered.status, answered.headers, answered.body)
