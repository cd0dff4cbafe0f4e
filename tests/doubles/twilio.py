"""Twilio: messages by SMS and WhatsApp, their list, signed callbacks and inbound messages."""

import base64
import hmac
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.doubles.server import Callback, Double, Reply, Request

_NUMBER = re.compile(r"(whatsapp:)?\+[1-9]\d{6,14}\Z")
_CONTENT = re.compile(r"HX[0-9a-f]{32}\Z")
_WORDS = {
    20003: "Authenticate", 20404: "The requested resource was not found", 20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number", 21602: "Message body is required.",
    21603: "A 'From' phone number is required.", 21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number", 21617: "The body exceeds 1600 characters",
    21656: "The ContentVariables Parameter is invalid.", 63016: "Outside the allowed window",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An accepted message, by the names of Twilio's resource."""

    sid: str
    to: str
    from_: str | None
    body: str
    status_callback: str | None
    content_sid: str | None = None
    content_variables: Mapping[str, str] = field(default_factory=dict)
    created: datetime

    @property
    def ours(self) -> str | None:
        """The message's id in the ledger, from the address of its callbacks."""
        query = parse_qs(urlsplit(self.status_callback or "").query)
        return query.get("message", [None])[0]


class Twilio(Double):
    """A double of Twilio's messaging; `refuse` holds the error code of a recipient."""

    sending: ClassVar[str] = "/Messages.json"

    def __init__(self, account: str = "AC" + "d" * 32, token: str = "double") -> None:  # noqa: S107 - of a double
        super().__init__()
        self.account = account
        self.token = token
        self.refuse: dict[str, int] = {}
        self.messages: list[Message] = []
        self._numbers = count(1)

    def counted(self) -> Counter[str | None]:
        """How often each of our messages was accepted."""
        return Counter(message.ours for message in list(self.messages))

    def problem(self, status: int) -> Any:
        return _error(20429 if status == 429 else 20500, status)

    def answer(self, request: Request) -> Reply:
        given = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {given}":
            return _refused(20003, 401)
        if request.path != f"/2010-04-01/Accounts/{self.account}/Messages.json":
            return _refused(20404, 404)
        return self._send(request) if request.method == "POST" else self._list(request)

    def _send(self, request: Request) -> Reply:
        if request.content_type != "application/x-www-form-urlencoded":
            return _refused(20415, 415)
        form = request.form
        code = self.refuse.get(form.get("To", "")) or _wrong(form)
        if code:
            return _refused(code, 429 if code == 20429 else 400)
        message = Message(
            sid=f"SM{next(self._numbers):032x}",
            to=form["To"],
            from_=form.get("From"),
            body=form.get("Body", ""),
            status_callback=form.get("StatusCallback"),
            content_sid=form.get("ContentSid"),
            content_variables=json.loads(form.get("ContentVariables", "{}")),
            created=datetime.now(UTC).replace(microsecond=0),
        )
        self.accept(self.messages, message)
        return Reply(status=201, body=self._resource(message))

    def _list(self, request: Request) -> Reply:
        """The newest first, as Twilio lists them; a queued message has no DateSent yet."""
        to = request.query.get("To")
        found = [message for message in reversed(self.messages) if to in (None, message.to)]
        size = int(request.query.get("PageSize", 50))
        items = [self._resource(message) for message in found[:size]]
        return Reply(
            status=200,
            body={"messages": items, "page": 0, "page_size": size, "next_page_uri": None,
                  "first_page_uri": request.target, "uri": request.target, "start": 0},
        )  # fmt: skip

    def _resource(self, message: Message) -> dict[str, Any]:
        created = format_datetime(message.created)
        return {
            "sid": message.sid, "account_sid": self.account, "api_version": "2010-04-01",
            "to": message.to, "from": message.from_, "body": message.body, "status": "queued",
            "direction": "outbound-api", "date_created": created, "date_updated": created,
            "date_sent": None, "error_code": None, "error_message": None, "num_segments": "1",
            "num_media": "0", "price": None, "price_unit": "USD", "messaging_service_sid": None,
            "uri": f"/2010-04-01/Accounts/{self.account}/Messages/{message.sid}.json",
            "subresource_uris": {},
        }  # fmt: skip

    def status(self, url: str, message: Message, status: str, error: int | None = None) -> Callback:
        """A status callback: `sent`, `delivered`, `undelivered`, `failed`, `read`."""
        form = {
            "MessageSid": message.sid, "SmsSid": message.sid, "MessageStatus": status,
            "SmsStatus": status, "To": message.to, "From": message.from_ or "+15550000000",
            "AccountSid": self.account, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return self.signed(url, form | ({"ErrorCode": str(error)} if error else {}))

    def inbound(self, url: str, from_: str, body: str, to: str = "+15550000000") -> Callback:
        """A message that a customer wrote, such as STOP."""
        sid = f"SM{next(self._numbers):032x}"
        return self.signed(
            url,
            {"MessageSid": sid, "SmsSid": sid, "AccountSid": self.account, "From": from_,
             "To": to, "Body": body, "NumMedia": "0", "NumSegments": "1"},
        )  # fmt: skip

    def signed(self, url: str, form: Mapping[str, str]) -> Callback:
        """Sign a form as Twilio does: the whole address, then each name and value in order."""
        signed = url + "".join(name + form[name] for name in sorted(form))
        signature = hmac.digest(self.token.encode(), signed.encode(), "sha1")
        return Callback(
            url=url,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": base64.b64encode(signature).decode(),
            },
            body=urlencode(form).encode(),
        )

    def told(self, url: str, message: Message) -> Sequence[Callback]:
        # Twilio calls the address that came with the message, and none where none came.
        if message.status_callback is None:
            return []
        asked = urlsplit(message.status_callback)
        url = f"{url}?{asked.query}" if asked.query else url
        return [self.status(url, message, status) for status in ("sent", "delivered")]


def _wrong(form: Mapping[str, str]) -> int | None:
    """The code of what Twilio would not take."""
    if not _NUMBER.match(form.get("To", "")):
        return 21211
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return 21603
    if not form.get("Body") and not _CONTENT.match(form.get("ContentSid", "")):
        return 21602
    if len(form.get("Body", "")) > 1600:
        return 21617
    try:
        variables = json.loads(form.get("ContentVariables", "{}"))
    except ValueError:
        return 21656
    strings = isinstance(variables, dict) and all(isinstance(v, str) for v in variables.values())
    return None if strings else 21656


def _error(code: int, status: int) -> Any:
    return {
        "code": code, "message": _WORDS.get(code, "Error"), "status": status,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
    }  # fmt: skip


def _refused(code: int, status: int) -> Reply:
    return Reply(status=status, body=_error(code, status))
