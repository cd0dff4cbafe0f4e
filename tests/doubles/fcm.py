"""Firebase Cloud Messaging's HTTP v1 API, with the token endpoint in front of it."""

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.doubles.server import Double, Reply, Request

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCE = "https://oauth2.googleapis.com/token"
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip
_CODE = {429: "QUOTA_EXCEEDED", 500: "INTERNAL", 503: "UNAVAILABLE"}


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """An accepted push message. `message` is as it was sent."""

    name: str
    token: str
    message: dict[str, Any]

    @property
    def ours(self) -> str | None:
        """The message's id in the ledger."""
        ours: str | None = self.message.get("data", {}).get("parcours_message")
        return ours


class Fcm(Double):
    """A double of FCM; `gone` are the tokens of apps that were removed."""

    sending: ClassVar[str] = "/messages:send"

    def __init__(self, project: str = "double") -> None:
        super().__init__()
        self.project = project
        self.account = f"parcours@{project}.iam.gserviceaccount.com"
        self.gone: set[str] = set()
        self.granted: list[str] = []
        self.revoked: set[str] = set()
        self.messages: list[Push] = []
        self._numbers = count(1)

    def counted(self) -> Counter[str | None]:
        """How often each of our messages was accepted."""
        return Counter(push.ours for push in list(self.messages))

    def credentials(self, path: Path) -> Path:
        """Write the service account's file to `path`."""
        key = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        account = {
            "type": "service_account", "project_id": self.project, "private_key_id": "double",
            "private_key": key, "client_email": self.account, "token_uri": f"{self.url}/token",
        }  # fmt: skip
        path.write_text(json.dumps(account), encoding="utf-8")
        return path

    def problem(self, status: int) -> Any:
        return _error(status, _CODE.get(status))

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            return self._grant(request)
        given = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        if given not in self.granted or given in self.revoked:
            return Reply(status=401, body=_error(401))
        if request.path != f"/v1/projects/{self.project}/messages:send":
            return Reply(status=404, body=_error(404))
        return self._send(request)

    def _grant(self, request: Request) -> Reply:
        form = request.form
        try:
            claims = jwt.decode(
                form.get("assertion", ""), _key().public_key(), ["RS256"], audience=_AUDIENCE,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            claims = {}
        right = claims.get("iss") == self.account and _SCOPE in claims.get("scope", "").split()
        if form.get("grant_type") != _GRANT or not right:
            return Reply(status=400, body={"error": "invalid_grant"})
        self.granted.append(f"ya29.{next(self._numbers)}")
        return Reply(
            status=200,
            body={"access_token": self.granted[-1], "expires_in": 3599, "token_type": "Bearer"},
        )

    def _send(self, request: Request) -> Reply:
        if request.content_type != "application/json":
            return Reply(status=400, body=_error(400))
        message = request.json.get("message", {})
        if wrong := _wrong(message):
            return Reply(status=400, body=_error(400, wrong))
        if message["token"] in self.gone:
            return Reply(status=404, body=_error(404, "UNREGISTERED"))
        name = f"projects/{self.project}/messages/{next(self._numbers)}"
        self.accept(self.messages, Push(name=name, token=message["token"], message=message))
        return Reply(status=200, body={"name": name})


def _wrong(message: Any) -> str | None:
    if not isinstance(message.get("token"), str) or " " in message["token"]:
        return "INVALID_ARGUMENT"
    data = message.get("data", {})
    if any(not isinstance(value, str) or name in {"from", "gcm"} for name, value in data.items()):
        return "INVALID_ARGUMENT"
    return "INVALID_ARGUMENT" if len(json.dumps(message)) > 4096 else None


def _error(status: int, code: str | None = None) -> Any:
    details = [{"@type": _FCM_ERROR, "errorCode": code}] if code else []
    return {
        "error": {
            "code": status, "message": "double", "status": _STATUS.get(status, "UNKNOWN"),
            "details": details,
        }
    }  # fmt: skip
