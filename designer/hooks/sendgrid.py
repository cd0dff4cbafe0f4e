"""SendGrid's event webhook: its signature, and what its events say.

Sources: Twilio's pages "Getting Started with the Event Webhook Security Features" and "Event
Webhook Reference".
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from designer.api.problems import Malformed, Unauthorized
from designer.api.reading import parse_json
from engine.errors import InvalidInput
from engine.flow.feedback import Word

SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"

STALE: Final = timedelta(minutes=10)
"""How far a request's timestamp may be from our clock; what is older may be a replay.

SendGrid names no limit. Within it a replay changes nothing either, because each event has an id.
"""

MESSAGE: Final = "parcours_message"
"""The custom argument that carries our id of a message; SendGrid returns it in each event."""

_OURS: Final = re.compile(r"\.(?:filter|recvd)")
# A `sg_message_id` is the `X-Message-Id` of the answer to our request, then where it went.

_INVALID: Final = ("bounced address", "invalid")
# Why SendGrid drops a message whose address cannot be reached; its other reasons are about us.


def check(key: str, body: bytes, headers: Mapping[str, str], now: datetime) -> None:
    """Refuse a request that SendGrid did not sign just now. `key` is as its page shows it."""
    signature, timestamp = headers.get(SIGNATURE), headers.get(TIMESTAMP)
    if not signature or not timestamp:
        raise Unauthorized(f"The headers {SIGNATURE} and {TIMESTAMP} are needed.")
    try:
        signed = b64decode(signature, validate=True)
        _public(key).verify(signed, timestamp.encode() + body, ECDSA(SHA256()))
    except (NotBase64, ValueError, InvalidSignature):
        raise Unauthorized("The signature is not SendGrid's for this body.") from None
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise Unauthorized(f"{TIMESTAMP} holds no instant.")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > STALE:
        raise Unauthorized("The request was signed too long ago, or a clock is wrong.")


def _public(key: str) -> EllipticCurvePublicKey:
    try:
        public = load_der_public_key(b64decode(key))
    except ValueError:
        public = None
    if not isinstance(public, EllipticCurvePublicKey):
        raise InvalidInput(
            "PARCOURS_SENDGRID_WEBHOOK_KEY is no verification key of SendGrid's event webhook."
        )
    return public


def words(body: bytes) -> list[Word]:
    """Return what a request tells; refuse one that is not SendGrid's list of events."""
    events = parse_json(body)
    if not isinstance(events, list):
        raise Malformed("The body must be a list of events.")
    told = [_word(event, place) for place, event in enumerate(events)]
    return [word for word in told if word is not None]


def _word(event: Any, place: int) -> Word | None:
    """Return what an event tells about a message of ours, or None."""
    if not isinstance(event, dict):
        raise Malformed(f"[{place}]: an event must be a JSON object.")
    name, key, at = event.get("event"), event.get("sg_event_id"), event.get("timestamp")
    if not isinstance(name, str) or not isinstance(key, str) or not 0 < len(key) <= 500:
        raise Malformed(f"[{place}]: an event needs `event` and `sg_event_id`.")
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < 10**11:
        raise Malformed(f"[{place}]: `timestamp` must be in seconds since 1970.")
    said = _SAYS.get(name)
    if said is None:
        return None
    return Word(
        source="sendgrid",
        key=key,
        message=_message(event),
        provider_id=_OURS.split(_text(event, "sg_message_id") or "")[0] or None,
        at=datetime.fromtimestamp(at, UTC),
        url=_text(event, "url"),
        user_agent=_text(event, "useragent"),
        ip=_text(event, "ip"),
        marked=event.get("sg_machine_open") is True,
        **said(event),
    )


def _text(event: Mapping[str, Any], name: str) -> str | None:
    value = event.get(name)
    return value[:2000] if isinstance(value, str) else None


def _message(event: Mapping[str, Any]) -> UUID | None:
    try:
        return UUID(_text(event, MESSAGE) or "")
    except ValueError:
        return None


def _bounced(event: Mapping[str, Any]) -> dict[str, Any]:
    # `type` is "bounce" for an address that is no good, "blocked" for a refusal of this message.
    for_good = event.get("type") != "blocked"
    more = {"permanent": for_good, "code": _text(event, "status")}
    return {"what": "bounced", "ends": "bounced" if for_good else None, "more": more}


def _dropped(event: Mapping[str, Any]) -> dict[str, Any]:
    # SendGrid did not even try, for a reason that it knows from earlier messages.
    reason = (_text(event, "reason") or "").lower()
    more = {"permanent": True, "code": "dropped"}
    ends = "bounced" if reason.startswith(_INVALID) else None
    if reason.startswith("unsubscribed"):
        ends = "unsubscribed"
    elif reason.startswith("spam report"):
        ends = "complained"
    return {"what": "bounced", "ends": ends, "more": more}


_SAYS: Final[dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "processed": lambda _: {"what": "taken"},
    "deferred": lambda _: {"what": "taken"},  # the receiving server asks for patience
    "delivered": lambda _: {"what": "delivered"},
    "open": lambda _: {"what": "opened"},
    "click": lambda _: {"what": "clicked"},
    "bounce": _bounced,
    "dropped": _dropped,
    "spamreport": lambda _: {"what": "complained", "ends": "complained"},
    # By SendGrid's own link: from then on it drops whatever we send to that address.
    "unsubscribe": lambda _: {"what": "unsubscribed", "ends": "unsubscribed"},
    # Of one group of SendGrid's, which stands for the topic of the message.
    "group_unsubscribe": lambda _: {"what": "unsubscribed"},
}
"""What each event tells; `group_resubscribe` and those of the account tell nothing of messages."""
