"""Email over SendGrid's Mail Send API.

The official library writes the request. It does not send it: its HTTP client limits no call as a
whole, cannot tell a message that was not sent from one that was not answered, and logs both.
"""

import json
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from sendgrid.helpers.mail import Content, CustomArg, Header, Mail, Personalization, To

from activities.email.addresses import check_sender, named, plain
from activities.outward import Answered
from activities.provider import ask, hand_over, patience, refusal
from activities.transport import Found, Letter, Settling, Sought, TransportError

ARGUMENT: Final = "parcours_message"
"""The custom argument that holds our id; callbacks bring it back as a field of the event."""

_OURS: Final = frozenset({401, 404, 405, 408, 429})
"""Answers of 4xx about the key, the address called or the pace: no fault of the message."""

_FIELD: Final = re.compile(r"[a-z_.0-9\[\]]{1,80}")
_SUFFIX: Final = re.compile(r"\.(recvd|filter).*", re.DOTALL)


class SendGridTransport:
    """Hands messages to SendGrid. With `activity`, which is a paid extra there, it can be asked."""

    name = "sendgrid"

    def __init__(
        self,
        key: str,
        from_: str,
        *,
        base_url: str = "https://api.sendgrid.com",
        activity: bool = False,
    ) -> None:
        check_sender(from_)
        self.settling: Settling = "ask" if activity else "class"
        self._from = from_
        self._url = f"{base_url}/v3"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send(self, letter: Letter) -> str | None:
        """Send one mail; see `Transport.send`."""
        mail = self._written(letter)
        answered = hand_over(f"{self._url}/mail/send", self._headers, mail, letter.deadline)
        if 200 <= answered.status < 300:
            return answered.headers.get("x-message-id")
        fault, field = _fault(answered)
        # The same status tells of a sender who is not verified, and of a key that may not send.
        ours = answered.status in _OURS or (answered.status == 403 and fault == "access forbidden")
        permanent = 400 <= answered.status < 500 and not ours
        raise refusal("SendGrid", answered, permanent=permanent, code=field)

    def _written(self, letter: Letter) -> bytes:
        """Write the mail, all of it, before SendGrid is called."""
        try:
            return _mail(letter, letter.from_ or self._from)
        except Exception as error:  # noqa: BLE001 - its kind is told
            # The library refuses what looks like one of its own keys, with an error of its own.
            raise TransportError(
                f"the mail cannot be written ({type(error).__name__})", permanent=True
            ) from None

    def find(self, sought: Sought) -> Found | None:
        """Ask the Email Activity API for our id.

        It knows a mail some seconds after it was taken, and answers few questions a minute.
        """
        query = urlencode({"limit": 1, "query": f"unique_args['{ARGUMENT}']=\"{sought.id}\""})
        answered = ask("GET", f"{self._url}/messages?{query}", self._headers)
        if answered.status != 200:
            raise TransportError(
                f"SendGrid answered {answered.status}",
                permanent=False,
                retry_after=patience(answered.headers, datetime.now(UTC)),
            )
        try:
            messages = json.loads(answered.body)["messages"]
            return Found(provider_id=_SUFFIX.sub("", messages[0]["msg_id"])) if messages else None
        except (ValueError, LookupError, TypeError):
            raise TransportError("SendGrid's answer cannot be read", permanent=False) from None


def _mail(letter: Letter, from_: str) -> bytes:
    sender, to = named(from_), plain(letter.to)
    if not all((name + value).isprintable() for name, value in letter.headers.items()):
        raise ValueError("a header of several lines")
    mail = Mail(from_email=(sender.addr_spec, sender.display_name or None))
    mail.subject = letter.subject or ""
    person = Personalization()
    person.add_to(To(to.addr_spec))
    # In the personalization: there it reaches the events of this very recipient.
    person.add_custom_arg(CustomArg(ARGUMENT, str(letter.id)))
    mail.add_personalization(person)
    if letter.text is None:
        mail.add_content(Content("text/plain", letter.body))
    else:
        mail.add_content(Content("text/plain", letter.text))
        mail.add_content(Content("text/html", letter.body))
    for name, value in letter.headers.items():
        mail.add_header(Header(name, value))
    return json.dumps(mail.get()).encode()


def _fault(answered: Answered) -> tuple[str, str]:
    """Read the first mistake's sentence, which may name a customer, and its field, which cannot."""
    try:
        first = json.loads(answered.body)["errors"][0]
        fault, field = str(first.get("message")), str(first.get("field") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""
    return fault, field if _FIELD.fullmatch(field) else ""
