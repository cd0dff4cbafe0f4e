"""What the mail server answers, and what that means for the message."""

import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from activities.email.dkim import Signer
from activities.email.smtp import SmtpServer, SmtpTransport, server_of
from activities.transport import Letter, OutcomeUnknownError, TransportError, clock
from engine.errors import InvalidInput

ID = UUID(int=7)
HANG, HANG_UP = "hang", "hang up"


class Server:
    """Plays one conversation: `says` overrides what is answered, by the command's first word."""

    def __init__(self, says: dict[str, Any]) -> None:
        self.says = says
        self.heard: list[bytes] = []
        self.mail = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.play)
        self.thread.start()

    def play(self) -> None:
        with suppress(OSError):  # whoever called may have hung up
            self.converse()

    def converse(self) -> None:
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as lines:
            if not self.answer(connection, "greeting", "220 here"):
                return
            while line := lines.readline():
                self.heard.append(line)
                word = line.split()[0].decode().lower()
                usual = {"ehlo": "250-here\r\n250 SMTPUTF8", "data": "354 go on"}
                if not self.answer(connection, word, usual.get(word, "250 fine")):
                    return
                if word == "data" and self.says.get("data", "354").startswith("354"):
                    self.mail = b""
                    while not self.mail.endswith(b"\r\n.\r\n"):
                        if not (line := lines.readline()):
                            return
                        self.mail += line
                    if not self.answer(connection, "mail itself", "250 taken"):
                        return

    def answer(self, connection: socket.socket, word: str, usual: str) -> bool:
        said = self.says.get(word, usual)
        if said == HANG:
            self.done.wait(20)
        if said in (HANG, HANG_UP):
            return False
        last = said.endswith(HANG_UP)
        connection.sendall(said.removesuffix(HANG_UP).encode() + b"\r\n")
        return not last

    def close(self) -> None:
        self.done.set()
        with suppress(OSError):  # ends the waiting for a caller
            socket.create_connection(("127.0.0.1", self.port), 0.1).close()
        self.listener.close()
        self.thread.join()


@contextmanager
def server(**says: Any) -> Iterator[Server]:
    playing = Server({word.replace("_", " "): said for word, said in says.items()})
    try:
        yield playing
    finally:
        playing.close()


def letter(seconds: float = 5, **changes: Any) -> Letter:
    given: dict[str, Any] = {
        "id": ID, "channel": "email", "to": "ada@example.com", "from_": None, "subject": "Hello",
        "body": "<p>Hi</p>", "text": "Hi", "deadline": clock() + seconds, **changes,
    }  # fmt: skip
    return Letter(**given)


def transport(playing: Server, from_: str = "Shop <shop@example.com>", **more: Any) -> Any:
    return SmtpTransport(SmtpServer(host="127.0.0.1", port=playing.port, **more), from_)


def result_of(playing: Server, **changes: Any) -> Any:
    """Return `sent`, `unknown`, `refused` for good or `released`."""
    try:
        transport(playing).send(letter(**changes))
    except OutcomeUnknownError as error:
        told, result = str(error), "unknown"
    except TransportError as error:
        told, result = error.reason, "refused" if error.permanent else "released"
    else:
        return "sent"
    assert "example.com" not in told, "the reason goes into the ledger"
    return result


@pytest.mark.parametrize(
    ("where", "said", "result"),
    [
        ("greeting", "421 too busy", "released"),
        ("greeting", "554 no", "released"),
        ("greeting", HANG_UP, "released"),
        ("ehlo", "421 going down" + HANG_UP, "released"),
        ("mail", "421 going down" + HANG_UP, "released"),
        ("mail", "550 5.7.1 no such sender" + HANG_UP, "refused"),
        ("mail", "530 5.7.0 log in first", "released"),
        ("mail", "nonsense", "released"),
        ("rcpt", "550 5.1.1 <ada@example.com> unknown", "refused"),
        ("rcpt", "450 4.2.0 greylisted", "released"),
        ("rcpt", "421 4.7.0 slow down" + HANG_UP, "released"),
        ("rcpt", HANG_UP, "released"),
        ("data", "421 going down" + HANG_UP, "released"),
        ("data", "554 5.5.1 no valid recipients", "refused"),
        ("data", HANG_UP, "released"),
        ("mail itself", "421 4.3.0 shutting down" + HANG_UP, "released"),
        ("mail itself", "452 4.3.1 full", "released"),
        ("mail itself", "554 5.7.1 spam", "refused"),
        ("mail itself", "251 will forward", "sent"),
        ("mail itself", "nonsense", "unknown"),
        ("mail itself", HANG_UP, "unknown"),
        ("mail itself", "250 taken", "sent"),
    ],
)
def test_what_an_answer_means(where: str, said: str, result: str) -> None:
    with server(**{where.replace(" ", "_"): said}) as playing:
        assert result_of(playing) == result


@pytest.mark.parametrize("where", ["greeting", "ehlo", "mail", "rcpt", "data"])
def test_a_server_that_hangs_holds_nobody_past_the_deadline(where: str) -> None:
    with server(**{where: HANG}) as playing:
        began = time.monotonic()
        assert result_of(playing, seconds=0.4) == "released"
        assert time.monotonic() - began < 2


def test_slow_answers_add_up_to_no_more_than_the_deadline() -> None:
    with server() as playing:
        answer = playing.answer

        def slowly(*arguments: Any) -> bool:
            time.sleep(0.3)
            return answer(*arguments)

        playing.answer = slowly  # type: ignore[assignment,method-assign]
        began = time.monotonic()
        assert result_of(playing, seconds=0.8) == "released"
        assert time.monotonic() - began < 1.2


def test_nobody_there() -> None:
    with server() as playing:
        pass
    assert result_of(playing) == "released"


def test_lines_end_as_mail_servers_demand() -> None:
    body = "<p>one</p>\n.two\r\nthree\rfour\n"
    with server() as playing:
        assert result_of(playing, body=body, text=".hidden dot\n.\nend") == "sent"
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", playing.mail) is None
    assert b"\r\n..hidden dot\r\n..\r\nend" in playing.mail


def test_everything_goes_out_in_seven_bits() -> None:
    with server() as playing:
        assert (
            result_of(playing, subject="Grüße", body="<p>für dich</p>", text="für dich") == "sent"
        )
    assert playing.mail.isascii()
    mail = message_from_bytes(playing.mail.replace(b"\r\n..", b"\r\n."), policy=default)
    body = mail.get_body(("plain",))
    assert body is not None
    assert (mail["Subject"], body.get_content().strip()) == ("Grüße", "für dich")
    assert mail["Message-ID"] == f"<{ID}@example.com>"


def test_a_domain_of_other_letters() -> None:
    with server() as playing:
        assert result_of(playing, to="ada@bücher.example") == "sent"
    assert b"rcpt TO:<ada@xn--bcher-kva.example>\r\n" in playing.heard
    assert b"To: ada@xn--bcher-kva.example\r\n" in playing.mail


def test_a_name_of_other_letters() -> None:
    with server() as playing:
        assert result_of(playing, to="jörg@example.com") == "sent"
    assert "rcpt TO:<jörg@example.com>\r\n".encode() in playing.heard
    with server(ehlo="250 here") as playing:
        assert result_of(playing, to="jörg@example.com") == "refused"


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "ada@example.com\r\nBcc: all@example.com"},
        {"to": "ada@example.com>\r\nRCPT TO:<all@example.com"},
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"from_": "Shop\r\nBcc: all@example.com <shop@example.com>"},
        {"from_": "Shop <"},
        {"from_": '"'},
        {"from_": "x@["},
        {"to": ""},
        {"headers": {"List-Unsubscribe": "<https://x>\r\nBcc: all@example.com"}},
        {"headers": {"X\r\nBcc": "all@example.com"}},
        {"headers": {"X: y": "z"}},
        {"headers": {"Bcc": "all@example.com"}},
        {"headers": {"from": "all@example.com"}},
        {"headers": {"X-Long": "x" * 999}},
    ],
)
def test_what_cannot_be_written_is_refused_before_anybody_is_called(changes: Any) -> None:
    with server() as playing:
        assert result_of(playing, **changes) == "refused"
        assert playing.heard == []


HEADERS = {
    "List-Unsubscribe": f"<https://shop.example/u/{'x' * 200}>, <mailto:u@shop.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def test_a_long_address_to_unsubscribe_is_written_as_it_is() -> None:
    with server() as playing:
        assert result_of(playing, headers=HEADERS) == "sent"
    for name, value in HEADERS.items():
        assert f"{name}: {value}\r\n".encode() in playing.mail


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def key_file(rsa_key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    path = tmp_path / "dkim.pem"
    path.write_bytes(rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_a_signature_covers_what_a_mailbox_goes_by(
    rsa_key: rsa.RSAPrivateKey, key_file: Path
) -> None:
    signer = Signer.load(key_file, "shop1", "bücher.example")
    public = rsa_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    asked = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return b"v=DKIM1; k=rsa; p=" + b64encode(public)

    with server() as playing:
        sending = SmtpTransport(
            SmtpServer(host="127.0.0.1", port=playing.port), "Shop <shop@example.com>", signer
        )
        sending.send(letter(headers=HEADERS, text=".dot\nGrüße"))
    mail = playing.mail.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    assert dkim.verify(mail, dnsfunc=dns)
    assert asked == [b"shop1._domainkey.xn--bcher-kva.example."]
    assert not dkim.verify(mail.replace(b"/u/x", b"/u/y"), dnsfunc=dns)
    assert not dkim.verify(mail.replace(b"=One-Click", b"=Two-Clicks"), dnsfunc=dns)
    assert not dkim.verify(mail.replace(b"Hello", b"Hallo"), dnsfunc=dns)


def test_a_key_that_cannot_sign_is_told(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_text("no key")
    for path in (tmp_path / "dkim.pem", tmp_path / "none.pem"):
        with pytest.raises(InvalidInput, match="PARCOURS_DKIM_KEY"):
            Signer.load(path, "shop1", "shop.example")


def test_a_password_is_not_sent_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as playing:
        monkeypatch.setattr("activities.email.smtp.LOOPBACK", frozenset())
        with pytest.raises(TransportError, match="no TLS") as caught:
            transport(playing, user="shop", password="hidden").send(letter())
    assert not caught.value.permanent
    assert not any(line.lower().startswith(b"auth") for line in playing.heard)


def test_settings_that_cannot_work() -> None:
    for wrong in ("http://mail.example.com", "smtp://mail.example.com:mail", "smtp://"):
        with pytest.raises(InvalidInput):
            server_of(wrong)
    given: Callable[[str], Any] = lambda from_: SmtpTransport(  # noqa: E731
        SmtpServer(host="mail", port=25), from_
    )
    for wrong in ("Shop", "Shop <", "", "shop@"):
        with pytest.raises(InvalidInput):
            given(wrong)
    assert given("Parcours <no-reply@localhost>").name == "smtp"
