"""Email over SMTP: one conversation a message."""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from activities.email.addresses import check_sender, named, plain
from activities.email.dkim import Signer
from activities.transport import (
    Found,
    Letter,
    OutcomeUnknownError,
    Settling,
    Sought,
    TransportError,
    clock,
)
from engine.errors import InvalidInput
from engine.names import TRANSPORT_TIMEOUT
from engine.settings import LOOPBACK

T = TypeVar("T")

_GO_ON: Final = 354
_OURS: Final = frozenset({530, 534, 535, 538})
"""Replies of 5xx about how we come, without a password or TLS: no fault of the message."""

_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_LONGEST: Final = 990
"""Signs in a header's line (RFC 5322, 2.1.1)."""

_WRITTEN: Final = frozenset(
    {"from", "to", "subject", "date", "message-id", "mime-version", "dkim-signature"}
    | {"content-type", "content-transfer-encoding", "bcc", "cc", "sender", "return-path"}
)
"""Headers that no letter brings along."""

_CONNECT: Final = 4.0
"""Seconds for each address of the server: there are two of them where it has IPv6."""

_MARGIN: Final = 1.0
"""Seconds of the lease that are left to record what the server answered."""


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
    wrong = InvalidInput(
        "PARCOURS_SMTP_URL must look like smtp://user:password@host:587 or smtps://…"
    )
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise wrong
    implicit = parts.scheme == "smtps"
    return SmtpServer(
        host=parts.hostname,
        port=port or (465 if implicit else 587),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        implicit_tls=implicit,
    )


class SmtpTransport:
    """Hands messages to one SMTP server."""

    name = "smtp"
    settling: Settling = "class"

    def __init__(self, server: SmtpServer, from_: str, signer: Signer | None = None) -> None:
        check_sender(from_)
        self._server = server
        self._from = from_
        self._signer = signer

    def send(self, letter: Letter) -> str | None:
        """Send one mail; see `Transport.send`."""
        mail = self._mail(letter)
        conversation = self._open(letter)
        try:
            _envelope(conversation, letter, mail)
            _hand_over(conversation, letter, mail)
        finally:
            # The outcome is known by now; a rude end of the conversation changes nothing.
            conversation.close()
        return mail.id

    def find(self, sought: Sought) -> Found | None:  # noqa: ARG002 - the protocol's
        """Mail servers cannot be asked."""
        return None

    def _mail(self, letter: Letter) -> "_Mail":
        """Write the mail, all of it, before anybody is called."""
        try:
            return _mail(letter, letter.from_ or self._from, self._signer)
        except Exception as error:  # noqa: BLE001 - its kind is told
            # The library raises more kinds of errors than it says, about addresses above all.
            raise TransportError(
                f"the mail cannot be written ({type(error).__name__})", permanent=True
            ) from None

    def _open(self, letter: Letter) -> smtplib.SMTP:
        server, timeout = self._server, min(_left(letter), _CONNECT)
        own = _own_name()
        conversation: smtplib.SMTP
        try:
            if server.implicit_tls:
                conversation = smtplib.SMTP_SSL(
                    server.host, server.port, own, timeout=timeout,
                    context=ssl.create_default_context(),
                )  # fmt: skip
            else:
                conversation = smtplib.SMTP(server.host, server.port, own, timeout=timeout)
        except _FAILURES as error:
            raise TransportError(_words(error), permanent=False) from None
        try:
            self._introduce(conversation, letter)
        except (*_FAILURES, TransportError) as error:
            conversation.close()
            if isinstance(error, TransportError):
                raise
            raise TransportError(_words(error), permanent=False) from None
        return conversation

    def _introduce(self, conversation: smtplib.SMTP, letter: Letter) -> None:
        server = self._server
        _in_time(conversation, letter, conversation.ehlo_or_helo_if_needed)
        starttls = conversation.has_extn("starttls")
        if server.password and not (server.implicit_tls or starttls or server.host in LOOPBACK):
            raise TransportError("the mail server has no TLS to hide our password", permanent=False)
        if not server.implicit_tls and starttls:
            context = ssl.create_default_context()
            _in_time(conversation, letter, lambda: conversation.starttls(context=context))
            _in_time(conversation, letter, conversation.ehlo)
        if (user := server.user) is not None:
            password = server.password or ""
            _in_time(conversation, letter, lambda: conversation.login(user, password))


_FAILURES: Final = (OSError, smtplib.SMTPException, ValueError)
"""What smtplib raises; ValueError is about text that no command can carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """A mail as it goes out. `international` needs a server that takes more than ASCII."""

    id: str
    sender: str
    to: str
    content: bytes
    international: bool


def _mail(letter: Letter, from_: str, signer: Signer | None) -> _Mail:
    sender, to = named(from_), plain(letter.to)
    international = not (sender.addr_spec + to.addr_spec).isascii()
    policy = (SMTPUTF8 if international else SMTP).clone(cte_type="7bit")
    mail = EmailMessage(policy)
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = letter.subject or ""
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{letter.id}@{sender.domain}>"
    if letter.text is None:
        mail.set_content(letter.body)
    else:
        mail.set_content(letter.text)
        mail.add_alternative(letter.body, subtype="html")
    content = b"".join(_lines(letter.headers)) + mail.as_bytes()
    if signer is not None:
        content = signer.signature(content) + content
    return _Mail(
        id=str(mail["Message-ID"]),
        sender=sender.addr_spec,
        to=to.addr_spec,
        content=re.sub(rb"(?m)^\.", b"..", content),  # RFC 5321, 4.5.2
        international=international,
    )


def _lines(headers: Mapping[str, str]) -> Iterator[bytes]:
    """Write a letter's own headers as they are.

    The library would write a long web address as encoded words, in which nobody looks for one.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _WRITTEN:
            raise ValueError("no header of a letter")
        if not (value.isascii() and value.isprintable()) or len(name) + len(value) > _LONGEST:
            raise ValueError("no value of a header")
        yield f"{name}: {value}\r\n".encode()


def _own_name() -> str:
    """Return how we introduce ourselves; smtplib would ask the name servers for every mail."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _envelope(conversation: smtplib.SMTP, letter: Letter, mail: _Mail) -> None:
    """Name sender and recipient. Nothing is handed over yet."""
    if mail.international and not conversation.has_extn("smtputf8"):
        raise TransportError("the mail server takes no such address", permanent=True)
    options = ["SMTPUTF8"] if mail.international else []
    for command in (
        lambda: conversation.mail(mail.sender, options),
        lambda: conversation.rcpt(mail.to),
    ):
        try:
            code, answer = _in_time(conversation, letter, command)
        except _FAILURES as error:
            raise TransportError(_words(error), permanent=False) from None
        if not _accepted(code):
            _refuse(code, answer)


def _hand_over(conversation: smtplib.SMTP, letter: Letter, mail: _Mail) -> None:
    """Send the mail itself: from the last of its bytes on, only the answer tells the outcome."""
    try:
        code, answer = _in_time(conversation, letter, lambda: conversation.docmd("data"))
        if code != _GO_ON:
            _refuse(code, answer)
        _left(letter)
        end = min(
            clock() + TRANSPORT_TIMEOUT.total_seconds(),
            letter.deadline + TRANSPORT_TIMEOUT.total_seconds() - _MARGIN,
        )
        _allow(conversation, end - clock())
        # What ends a mail is at its end: while that cannot be written, nobody has the mail.
        conversation.send(mail.content + b".\r\n")
    except _FAILURES as error:
        raise TransportError(_words(error), permanent=False) from None
    try:
        _allow(conversation, end - clock())
        code, answer = conversation.getreply()
    except _FAILURES as error:
        raise OutcomeUnknownError(_words(error)) from None
    if _accepted(code):
        return
    if not 400 <= code < 600:
        raise OutcomeUnknownError("the mail server's answer cannot be understood")
    _refuse(code, answer)


def _in_time(conversation: smtplib.SMTP, letter: Letter, command: Callable[[], T]) -> T:
    """Carry out a step of the conversation before the letter's deadline."""
    _allow(conversation, _left(letter))
    return command()


def _allow(conversation: smtplib.SMTP, seconds: float) -> None:
    if conversation.sock is not None:
        conversation.sock.settimeout(max(seconds, 0.01))


def _left(letter: Letter) -> float:
    left = letter.deadline - clock()
    if left <= 0:
        raise TransportError("too late to hand it over", permanent=False)
    return min(left, TRANSPORT_TIMEOUT.total_seconds())


def _accepted(code: int) -> bool:
    return 200 <= code < 300


def _refuse(code: int, answer: bytes | str) -> None:
    """Raise what a reply code means: 4xx for now, 5xx for good (RFC 5321, 4.2.1)."""
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    found = re.match(r"[45]\.\d{1,3}\.\d{1,3}\b", text)
    raise TransportError(
        f"the mail server answered {code}" + (f" {found[0]}" if found else ""),
        permanent=500 <= code < 600 and code not in _OURS,
    )


def _words(error: Exception) -> str:
    """Name an error without its text, which may hold an address."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}"
    return f"the mail server does not answer ({type(error).__name__})"
