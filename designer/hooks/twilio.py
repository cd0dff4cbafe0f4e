"""Twilio's callbacks: the status of messages, and what customers write.

Sources: Twilio's pages "Webhooks Security", "Outbound Message Status in Status Callbacks",
"Twilio's Request to your Incoming Message Webhook URL" and "Advanced Opt-Out".
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from designer.api.problems import Malformed, Unauthorized
from engine.flow.feedback import Word
from engine.model.base import Channel

SIGNATURE: Final = "X-Twilio-Signature"

EMPTY: Final = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
"""TwiML that answers nothing to the customer."""

Form = ImmutableMultiDict[str, str]

_DEAD: Final = frozenset({"21211", "21217", "21614", "30005", "30006", "63024"})
# Error codes of numbers that cannot get messages: invalid, unknown, a landline, not on WhatsApp.
_STOPPED: Final = "21610"
# The recipient has written STOP to the sender's number, and Twilio lets nothing more through.


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """What somebody wrote to us; `asks` is what Twilio took it for."""

    key: str
    channel: Channel
    phone: str
    body: str
    asks: Literal["stop", "start", "help"] | None


def read(token: str, url: str, body: bytes, signature: str | None) -> Form:
    """Return the form, if Twilio has signed it for this address.

    `url` is the public one, as Twilio was given it, with its query.
    """
    if not signature:
        raise Unauthorized(f"The header {SIGNATURE} is needed.")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=200
        )
    except ValueError:
        raise Malformed("The body is not a form in UTF-8.") from None
    form = Form(pairs)
    if not RequestValidator(token).validate(url, form, signature):
        raise Unauthorized("The signature is not Twilio's for this address and form.")
    if any("\0" in part for pair in pairs for part in pair):
        raise Malformed("A field holds a NUL character.")
    return form


def told(form: Form, message: str | None) -> Word | Inbound | None:
    """Return what a callback tells; `message` is our id, which its address carries."""
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus")
    if not 0 < len(sid) <= 100:
        raise Malformed("The form needs a MessageSid.")
    if status is not None:
        return _status(form, sid, status, message)
    sender, body = form.get("From"), form.get("Body")
    if not sender or body is None:
        raise Malformed("The form has neither a MessageStatus, nor From and Body.")
    channel, phone = _address(sender)
    asks = form.get("OptOutType", "").lower()
    return Inbound(
        key=f"in:{sid}",
        channel=channel,
        phone=phone,
        body=body,
        asks=cast("Any", asks) if asks in {"stop", "start", "help"} else None,
    )


def _address(sender: str) -> tuple[Channel, str]:
    phone = sender.removeprefix("whatsapp:")
    return ("whatsapp" if phone != sender else "sms"), phone


def _status(form: Form, sid: str, status: str, message: str | None) -> Word | None:
    said = _says(status, form.get("ErrorCode", ""))
    if said is None:
        return None
    try:
        ours = UUID(message or "")
    except ValueError:
        ours = None
    return Word(source="twilio", key=f"{sid}:{status}", message=ours, provider_id=sid, **said)


def _says(status: str, code: str) -> dict[str, Any] | None:
    match status:
        case "queued" | "accepted" | "sending" | "sent":
            return {"what": "taken"}
        case "delivered":
            return {"what": "delivered"}
        case "read":
            return {"what": "opened"}
        case "undelivered" | "failed":
            ends = "stop" if code == _STOPPED else "bounced" if code in _DEAD else None
            return {
                "what": "bounced",
                "ends": ends,
                "more": {"permanent": ends is not None, "code": code or None},
            }
        case _:
            return None
