"""Push messages to browsers (RFC 8030), encrypted (RFC 8291) and signed with VAPID (RFC 8292).

The address is what the browser gave to the shop's page: JSON with `endpoint` and `keys`. The
endpoint is thus whatever somebody on the internet wants it to be, so private addresses are refused.
"""

import json
import time
from base64 import urlsafe_b64encode
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher

from activities.provider import hand_over, refusal
from activities.push.expired import EXPIRED
from activities.transport import Found, Letter, Settling, Sought, TransportError
from engine.errors import InvalidInput

_KEPT: Final = 4 * 3600
"""Seconds for which a push service keeps a message for a browser that is off."""

_TOKEN: Final = 12 * 3600
"""Seconds for which a signature holds; a day is the most that services take."""

_GONE: Final = frozenset({404, 410})
_PERMANENT: Final = frozenset({400, 403, 413})
"""Also 403: the browser subscribed under another VAPID key than ours."""


class WebPushTransport:
    """Hands push messages to the browsers' push services.

    A message carries a `Topic` of its own: one that is handed over again takes the place of the
    first as long as that waits at the service. It may have been shown by then, so an unknown
    outcome is not settled by repeating.
    """

    name = "webpush"
    settling: Settling = "class"

    def __init__(self, private_key: str, subject: str, *, allow_private: bool = False) -> None:
        self._vapid = _key(private_key)
        try:
            self._vapid.sign({"sub": subject, "aud": "https://push.example"})
        except VapidException:
            raise InvalidInput(
                "PARCOURS_VAPID_SUBJECT must be an address such as mailto:it@shop.example."
            ) from None
        self._subject = subject
        self._allow_private = allow_private

    def send(self, letter: Letter) -> str | None:
        """Send one push message; see `Transport.send`."""
        endpoint, body = self._encrypted(letter)
        headers = {
            **self._signature(endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_KEPT),
            "Topic": urlsafe_b64encode(letter.id.bytes).decode().rstrip("="),
            "Urgency": "high" if letter.class_ == "transactional" else "normal",
        }
        answered = hand_over(
            endpoint, headers, body, letter.deadline, allow_private=self._allow_private
        )
        if 200 <= answered.status < 300:
            return None
        if answered.status in _GONE:
            raise TransportError(EXPIRED, permanent=True)
        permanent = answered.status in _PERMANENT
        raise refusal("the push service", answered, permanent=permanent)

    def find(self, sought: Sought) -> Found | None:  # noqa: ARG002 - the protocol's
        """Push services cannot be asked."""
        return None

    def _encrypted(self, letter: Letter) -> tuple[str, bytes]:
        """Return the endpoint, and the message that only its browser can read."""
        try:
            subscription = json.loads(letter.to)
            endpoint = str(subscription["endpoint"])
            secure = urlsplit(endpoint).scheme == "https"
            body: bytes = WebPusher(subscription).encode(_content(letter))["body"]
        except Exception:  # noqa: BLE001 - the library raises whatever its parts do
            raise TransportError("the push address cannot be read", permanent=True) from None
        if not secure and not self._allow_private:
            raise TransportError("the push address is not https", permanent=True)
        return endpoint, body

    def _signature(self, endpoint: str) -> dict[str, str]:
        claims = {
            "sub": self._subject,
            "aud": service(endpoint),
            "exp": int(time.time()) + _TOKEN,
        }
        signed: dict[str, str] = self._vapid.sign(claims)
        return signed


def application_server_key(private_key: str) -> str:
    """The public half of a VAPID key, with which a shop's page has its browsers subscribe.

    Raises:
        InvalidInput: the setting is no such key.
    """
    point: bytes = _key(private_key).public_key.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return urlsafe_b64encode(point).decode().rstrip("=")


def _key(private_key: str) -> Vapid02:
    try:
        return Vapid02.from_string(private_key)
    except Exception:  # noqa: BLE001 - the library raises whatever its parts do
        raise InvalidInput(
            "PARCOURS_VAPID_PRIVATE_KEY must be 32 bytes in base64url, or a key in DER."
        ) from None


def service(endpoint: str) -> str:
    """The push service that an endpoint belongs to."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def service_of(letter: Letter) -> str:
    """The push service that a letter goes to; each has its own pace."""
    try:
        return service(str(json.loads(letter.to)["endpoint"]))
    except (ValueError, LookupError, TypeError):
        return ""


def _content(letter: Letter) -> bytes:
    """What the service worker of the shop's page gets; `id` is the notification's tag."""
    content: dict[str, Any] = {
        "id": str(letter.id),
        "title": letter.subject,
        "body": letter.body,
        "url": letter.link,
        "image": letter.image,
    }
    return json.dumps({name: value for name, value in content.items() if value}).encode()
