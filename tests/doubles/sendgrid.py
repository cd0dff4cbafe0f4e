"""SendGrid: mail send, the search of its activity, the signed event webhook."""

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.doubles.server import Callback, Double, Reply, Request

_RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "to", "from", "subject",
    "content-transfer-encoding", "reply-to", "cc", "bcc",
}  # fmt: skip
_QUERY = re.compile(r"""unique_args\['(\w+)'\]="([^"]*)"\Z""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An accepted mail. `args` are the custom arguments, `id` is the provider's."""

    id: str
    to: str
    subject: str
    text: str | None
    html: str | None
    args: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> str | None:
        """The message's id in the ledger."""
        return self.args.get("parcours_message")


class SendGrid(Double):
    """A double of SendGrid; `activity` is the paid search."""

    sending: ClassVar[str] = "/v3/mail/send"

    def __init__(self, key: str = "SG.double", *, activity: bool = True) -> None:
        super().__init__()
        self.key = key
        self.activity = activity
        self.senders: set[str] | None = None
        """The verified addresses; None for any."""
        self.messages: list[Mail] = []
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._numbers = count(1)

    @property
    def verification_key(self) -> str:
        """The public key of the event webhook, as SendGrid's page shows it."""
        public = self._private.public_key()
        return base64.b64encode(
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode()

    def counted(self) -> Counter[str | None]:
        """How often each of our messages was accepted."""
        return Counter(mail.ours for mail in list(self.messages))

    def problem(self, status: int) -> Any:
        words = {403: "access forbidden", 429: "too many requests"}.get(status, "internal error")
        return _errors(words)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _refused(401, "The provided authorization grant is invalid")
        if (request.method, request.path) == ("POST", self.sending):
            return self._send(request)
        if (request.method, request.path) == ("GET", "/v3/messages"):
            return self._search(request)
        return _refused(404, "not found")

    def _send(self, request: Request) -> Reply:
        if request.content_type != "application/json":
            return _refused(415, "Content-Type should be application/json.")
        if len(request.body) > 30_000_000:
            return _refused(413, "payload too large")
        try:
            wrong = _wrong(request.json)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refused(400, "Bad Request")
        if wrong is not None:
            return _refused(400, *wrong)
        if self.senders is not None and request.json["from"]["email"] not in self.senders:
            return _refused(403, "The from address does not match a verified Sender.", "from")
        number = f"{next(self._numbers):022d}"
        for personalization in request.json["personalizations"]:
            self.accept(self.messages, _mail(request.json, personalization, number))
        return Reply(status=202, headers={"X-Message-Id": number})

    def _search(self, request: Request) -> Reply:
        if not self.activity:
            return _refused(403, "access forbidden")
        found = _QUERY.match(request.query.get("query", ""))
        if found is None or not request.query.get("limit", "").isdigit():
            return _refused(400, "invalid query")
        mails = [mail for mail in self.messages if mail.args.get(found[1]) == found[2]]
        items = [
            {"msg_id": f"{mail.id}.recvd-1-0", "to_email": mail.to, "status": "processed"}
            for mail in mails
        ]
        return Reply(status=200, body={"messages": items})

    def event(self, mail: Mail, name: str, **more: Any) -> dict[str, Any]:
        """One event about a mail, such as `delivered`, `bounce` or `open`."""
        number = next(self._numbers)
        return {
            "email": mail.to, "timestamp": int(time.time()), "event": name,
            "sg_event_id": f"event-{number}", "sg_message_id": f"{mail.id}.recvd-1-0",
            "smtp-id": f"<{mail.id}@geopod-ismtpd>", **mail.args, **more,
        }  # fmt: skip

    def signed(
        self, url: str, events: Sequence[dict[str, Any]], *, at: float | None = None
    ) -> Callback:
        """Sign events as the event webhook does, at the instant `at` (now when None)."""
        body = (json.dumps(list(events), indent=0) + "\r\n").encode()
        timestamp = str(int(time.time() if at is None else at))
        signature = self._private.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
        return Callback(
            url=url,
            headers={
                "Content-Type": "application/json",
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            },
            body=body,
        )

    def told(self, url: str, message: Mail) -> Sequence[Callback]:
        return [
            self.signed(url, [self.event(message, name)]) for name in ("processed", "delivered")
        ]


def _wrong(mail: Any) -> tuple[str, str] | None:
    """What SendGrid would not take: the sentence and the field."""
    if not mail["personalizations"]:
        return "The personalizations field is required", "personalizations"
    for number, personalization in enumerate(mail["personalizations"]):
        field_ = f"personalizations.{number}"
        if not personalization["to"] or any("@" not in to["email"] for to in personalization["to"]):
            return "Does not contain a valid address.", f"{field_}.to.0.email"
        if any(not isinstance(v, str) for v in personalization.get("custom_args", {}).values()):
            return "The custom_args values must be strings.", f"{field_}.custom_args"
    if "@" not in mail["from"]["email"]:
        return "The from email does not contain a valid address.", "from.email"
    if not mail.get("subject"):
        return "The subject is required.", "subject"
    types = [content["type"] for content in mail["content"]]
    if not types or any(not content["value"] for content in mail["content"]):
        return "The content value must be a string at least one character in length.", "content"
    if types != sorted(types, key=["text/plain", "text/html"].index):
        return "If present, text/plain must be first, then text/html.", "content"
    if any(name.lower() in _RESERVED for name in mail.get("headers", {})):
        return "The headers contain a reserved header.", "headers"
    return None


def _mail(mail: Any, personalization: Any, number: str) -> Mail:
    contents = {content["type"]: content["value"] for content in mail["content"]}
    return Mail(
        id=number,
        to=personalization["to"][0]["email"],
        subject=mail["subject"],
        text=contents.get("text/plain"),
        html=contents.get("text/html"),
        args=mail.get("custom_args", {}) | personalization.get("custom_args", {}),
        headers=mail.get("headers", {}) | personalization.get("headers", {}),
    )


def _errors(message: str, field_: str | None = None) -> Any:
    return {"errors": [{"message": message, "field": field_, "help": None}]}


def _refused(status: int, message: str, field_: str | None = None) -> Reply:
    return Reply(status=status, body=_errors(message, field_))
