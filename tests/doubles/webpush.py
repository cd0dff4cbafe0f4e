"""A browser and its push service: it checks the signature and decrypts what arrives."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, field
from os import urandom
from typing import Any, ClassVar

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.doubles.server import Double, Reply, Request


def _written(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _read(content: str) -> bytes:
    return urlsafe_b64decode(content + "=" * (-len(content) % 4))


def vapid_key() -> tuple[str, str]:
    """A private key as the settings want it, and its public half as the browser wants it."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    return _written(private), _written(_point(key.public_key()))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(slots=True)
class Browser:
    """A subscription, under the public VAPID key with which the page subscribed."""

    path: str
    vapid: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = field(default_factory=lambda: urandom(16))
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message as the service worker gets it."""

    content: dict[str, Any]
    topic: str | None
    ttl: int
    urgency: str | None

    @property
    def ours(self) -> str | None:
        """The message's id in the ledger."""
        return self.content.get("id")


class PushService(Double):
    """A double of a browser's push service."""

    sending: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.browsers: dict[str, Browser] = {}
        self.messages: list[Shown] = []

    def subscribe(self, vapid: str) -> tuple[Browser, str]:
        """A new browser, and its subscription as it is kept as an address."""
        path = f"/push/{len(self.browsers) + 1}"
        browser = self.browsers[path] = Browser(path, vapid)
        keys = {"p256dh": _written(_point(browser.key.public_key())),
                "auth": _written(browser.secret)}  # fmt: skip
        return browser, json.dumps({"endpoint": self.url + path, "keys": keys})

    def counted(self) -> Counter[str | None]:
        """How often each of our messages was accepted."""
        return Counter(shown.ours for shown in list(self.messages))

    def problem(self, status: int) -> Any:
        return {"code": status, "error": "double"}

    def answer(self, request: Request) -> Reply:
        browser = self.browsers.get(request.path)
        if browser is None or browser.gone:
            return Reply(status=410 if browser else 404)
        if refused := self._unsigned(request, browser):
            return Reply(status=refused)
        if not str(request.headers.get("TTL", "")).isdigit():
            return Reply(status=400)
        topic = request.headers.get("Topic")
        if topic is not None and not 0 < len(topic) <= 32:
            return Reply(status=400)
        if len(request.body) > 4096:
            return Reply(status=413)
        if request.headers.get("Content-Encoding") != "aes128gcm":
            return Reply(status=415)
        content = http_ece.decrypt(
            request.body, private_key=browser.key, auth_secret=browser.secret, version="aes128gcm"
        )
        shown = Shown(
            content=json.loads(content), topic=topic, ttl=int(request.headers["TTL"]),
            urgency=request.headers.get("Urgency"),
        )  # fmt: skip
        self.accept(self.messages, shown)
        return Reply(status=201, headers={"Location": f"{self.url}/message/{len(self.messages)}"})

    def _unsigned(self, request: Request, browser: Browser) -> int | None:
        """401 for a signature that does not hold, 403 for another key than the subscription's."""
        scheme, _, rest = str(request.headers.get("Authorization", "")).partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme != "vapid" or not {"t", "k"} <= parts.keys():
            return 401
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _read(parts["k"]))
            claims = jwt.decode(
                parts["t"], key, ["ES256"], audience=self.url,
                options={"require": ["exp", "aud", "sub"]},
            )  # fmt: skip
        except (jwt.InvalidTokenError, ValueError):
            return 401
        if claims["exp"] > time.time() + 24 * 3600 or not claims["sub"].startswith("mailto:"):
            return 401
        return None if parts["k"].rstrip("=") == browser.vapid else 403
