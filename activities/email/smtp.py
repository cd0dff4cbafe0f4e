"""Email over SMTP: one conversation a message."""

import smtplib
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from activities.transport import Letter, OutcomeUnknownError, TransportError
from engine.errors import InvalidInput
from engine.names import TRANSPORT_TIMEOUT

_COMPLETED = 250
_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over. `implicit_tls` is `smtps://`."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    implicit_tls: bool = False


def server_of(url: str) -> SmtpServer:
    """Read `smtp://[user:pass@]host:port` or `smtps://…`."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise InvalidInput(
            "PARCOURS_SMTP_URL must look like smtp://user:password@host:587 or smtps://…"
        )
    implicit = parts.scheme == "smtps"
    return SmtpServer(
        host=parts.hostname,
        port=parts.port or (465 if implicit else 587),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        implicit_tls=implicit,
    )


class SmtpTransport:
    """Hands messages to one SMTP server."""

    name = "smtp"

    def __init__(self, server: SmtpServer, from_: str) -> None:
        self._server = server
        self._from = from_

    def send(self, letter: Letter) -> str | None:
        """Send one mail; see `Transport.send`."""
        mail = self._mail(letter)
        conversation = self._open(letter)
        try:
            self._address(conversation, letter, mail)
            self._hand_over(conversation, letter, mail)
        finally:
            # The outcome is known by now; a rude end of the conversation changes nothing.
            conversation.close()
        return str(mail["Message-ID"])

    def _mail(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        sender = letter.from_ or self._from
        domain = parseaddr(sender)[1].partition("@")[2] or "localhost"
        try:
            mail["From"], mail["To"] = sender, letter.to
            mail["Subject"] = letter.subject or ""
            mail["Date"] = format_datetime(datetime.now(UTC))
            mail["Message-ID"] = f"<{letter.id}@{domain}>"
        except ValueError:
            raise TransportError(
                "the address cannot be written in a mail", permanent=True
            ) from None
        if letter.text is None:
            mail.set_content(letter.body)
        else:
            mail.set_content(letter.text)
            mail.add_alternative(letter.body, subtype="html")
        return mail

    def _open(self, letter: Letter) -> smtplib.SMTP:
        server, timeout = self._server, _left(letter)
        try:
            conversation: smtplib.SMTP
            if server.implicit_tls:
                conversation = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=timeout, context=ssl.create_default_context()
                )
            else:
                conversation = smtplib.SMTP(server.host, server.port, timeout=timeout)
        except (OSError, smtplib.SMTPException) as error:
            raise TransportError(_words(error), permanent=False) from None
        try:
            conversation.ehlo_or_helo_if_needed()
            if not server.implicit_tls and conversation.has_extn("starttls"):
                conversation.starttls(context=ssl.create_default_context())
                conversation.ehlo()
            if server.user is not None:
                conversation.login(server.user, server.password or "")
        except (OSError, smtplib.SMTPException) as error:
            conversation.close()
            raise TransportError(_words(error), permanent=False) from None
        return conversation

    def _address(self, conversation: smtplib.SMTP, letter: Letter, mail: EmailMessage) -> None:
        sender = parseaddr(str(mail["From"]))[1]
        try:
            for code, answer in (conversation.mail(sender), conversation.rcpt(letter.to)):
                if code not in {250, 251}:
                    _refuse(code, answer)
        except (OSError, smtplib.SMTPException) as error:
            raise TransportError(_words(error), permanent=False) from None

    def _hand_over(self, conversation: smtplib.SMTP, letter: Letter, mail: EmailMessage) -> None:
        if conversation.sock is not None:
            conversation.sock.settimeout(_left(letter))
        try:
            code, answer = conversation.data(mail.as_bytes())
        except smtplib.SMTPDataError as error:  # refused before any of it was read
            _refuse(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknownError(_words(error)) from None
        else:
            if code != _COMPLETED:
                _refuse(code, answer)


def _left(letter: Letter) -> float:
    left = letter.deadline - time.monotonic()
    if left <= 0:
        raise TransportError("too late to hand it over", permanent=False)
    return min(left, TRANSPORT_TIMEOUT.total_seconds())


def _refuse(code: int, answer: bytes | str) -> None:
    """Raise what a reply code means: 4xx for now, 5xx for good (RFC 5321, 4.2.1)."""
    enhanced = (answer.decode(errors="replace") if isinstance(answer, bytes) else answer).split(" ")
    status = f" {enhanced[0]}" if enhanced and enhanced[0][:2] in {"4.", "5."} else ""
    raise TransportError(f"the mail server answered {code}{status}", permanent=code >= _PERMANENT)


def _words(error: Exception) -> str:
    """Name an error without its text, which may hold an address."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}"
    return f"the mail server does not answer ({type(error).__name__})"
