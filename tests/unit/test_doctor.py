"""What `parcours doctor` says of records, clocks, addresses and providers."""

import json
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from activities.email.smtp import SmtpServer
from activities.push.fcm import FcmTransport
from engine.errors import InvalidInput
from engine.settings import Settings
from parcours import cli
from parcours.doctor import database, domain, here, providers, shops
from parcours.doctor.finding import Finding
from parcours.doctor.records import Given, NoResolver, Resolved
from tests.doubles.fcm import Fcm


def public_key(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.fixture(scope="module")
def key() -> str:
    return public_key(2048)


def given(tmp_path: Path, *lines: str) -> Given:
    file = tmp_path / "records"
    file.write_text("\n".join(lines), encoding="utf-8")
    return Given(file)


def states(found: Iterator[Finding]) -> dict[str, str]:
    return {finding.about: finding.state for finding in found}


def test_a_domain_with_all_records_is_well(tmp_path: Path, key: str) -> None:
    half = len(key) // 2
    records = given(
        tmp_path,
        "; what dig printed",
        'shop.example.\t300\tIN\tTXT\t"v=spf1 include:sendgrid.net ~all"',
        'shop.example. TXT "some-verification=1"',
        "s1._domainkey.shop.example. IN CNAME s1.domainkey.u7.sendgrid.net.",
        f's1.domainkey.u7.sendgrid.net. TXT "k=rsa; p={key[:half]}" "{key[half:]}"',
        '_dmarc.shop.example. TXT "v=DMARC1; p=reject"',
    )
    found = domain.look("shop.example", records, include="sendgrid.net", selectors=["s1"])
    assert states(found) == {"SPF": "well", "DKIM": "well", "DMARC": "well"}


def test_a_domain_without_records_is_told_what_to_add(tmp_path: Path) -> None:
    found = list(domain.look("shop.example", given(tmp_path), selectors=["mail"]))
    assert [finding.state for finding in found] == ["wrong"] * 3
    mends = [finding.mend for finding in found]
    assert 'TXT record at shop.example: "v=spf1 mx ~all"' in mends[0]
    assert "mail._domainkey.shop.example" in mends[1]
    assert '_dmarc.shop.example: "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"' in mends[2]


@pytest.mark.parametrize(
    ("texts", "state", "word"),
    [
        (["v=spf1 mx -all"], "well", "who"),
        (["v=spf1 redirect=_spf.example.com"], "well", "who"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "wrong", "2 records"),
        (["v=spf1 +all"], "wrong", "everybody"),
        (["v=spf1 mx"], "unwise", "others"),
        (["v=spf1 mx ?all"], "unwise", "others"),
        (["v=spf1 " + "include:a.example " * 11 + "-all"], "wrong", "ten"),
        (["v=spf10 mx -all"], "wrong", "no record"),
    ],
)
def test_who_may_send(texts: list[str], state: str, word: str) -> None:
    found = domain.spf("shop.example", texts)
    assert (found.state, word in found.said) == (state, True), found


def test_a_provider_has_to_be_named() -> None:
    found = domain.spf("shop.example", ["v=spf1 mx ~all"], "sendgrid.net")
    assert found.state == "unwise"
    assert "include:sendgrid.net" in found.mend


def test_keys(key: str) -> None:
    def said(text: str) -> tuple[str, str]:
        found = domain.dkim("s._domainkey.shop.example", [text])
        return found.state, found.said

    assert said(f"v=DKIM1; p={key}")[0] == "well"
    assert said(f"v=DKIM1; t=y; p={key}")[0] == "unwise"
    assert said(f"v=DKIM1; p={public_key(1024)}")[0] == "unwise"
    assert said("v=DKIM1; p=")[0] == "wrong"
    assert said("v=DKIM1; p=AAAA")[0] == "wrong"
    assert said("hello")[0] == "wrong"
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert said(f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}")[0] == "well"


def test_our_own_key_has_to_be_the_one_there(tmp_path: Path, key: str) -> None:
    private = rsa.generate_private_key(65537, 2048)
    file = tmp_path / "key.pem"
    file.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    own = domain.public_part(file)
    name = "mail._domainkey.shop.example"
    assert domain.dkim(name, [f"v=DKIM1; p={own}"], own).state == "well"
    for texts in ([], [f"v=DKIM1; p={key}"]):
        found = domain.dkim(name, texts, own)
        assert found.state == "wrong"
        assert f"p={own}" in found.mend


def test_a_stranger_who_signs_does_not_help(tmp_path: Path) -> None:
    def unwise(signer: str) -> bool:
        found = domain.look("mail.shop.example", given(tmp_path), selectors=["s"], signer=signer)
        return any("does not help" in finding.said for finding in found)

    assert not unwise("shop.example")
    assert not unwise("mail.shop.example")
    assert unwise("workshop.example")


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ('_dmarc.mail.shop.example. TXT "v=DMARC1; p=none"', "well"),
        ('_dmarc.shop.example. TXT "v=DMARC1;p=quarantine"', "well"),
        ('_dmarc.example. TXT "v=DMARC1; p=none"', "wrong"),
        ('_dmarc.shop.example. TXT "v=DMARC1; p=maybe"', "wrong"),
        ('_dmarc.shop.example. TXT "something else"', "wrong"),
    ],
)
def test_what_mailboxes_shall_do(tmp_path: Path, record: str, state: str) -> None:
    assert domain.dmarc("mail.shop.example", given(tmp_path, record)).state == state


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        given(tmp_path, 'a. TXT "x"', 'shop.example. TXT "open')
    with pytest.raises(InvalidInput, match="line 1"):
        given(tmp_path, "shop.example. MX 10 mail.shop.example.")
    with pytest.raises(InvalidInput, match="cannot be read"):
        Given(tmp_path / "none")


def test_without_a_resolver_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise dns.resolver.NoNameservers

    def nothing(*_: object, **__: object) -> None:
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver, "resolve", nobody)
    with pytest.raises(NoResolver):
        Resolved().text("shop.example")
    monkeypatch.setattr(dns.resolver, "resolve", nothing)
    assert Resolved().text("shop.example") == []


@pytest.mark.parametrize(
    ("ahead", "state"), [(0.3, "well"), (-2, "unwise"), (9, "wrong"), (-9, "wrong")]
)
def test_clocks(ahead: float, state: str) -> None:
    assert database.clock(ahead).state == state


@pytest.mark.parametrize(
    ("url", "sends", "state"),
    [
        ("", False, "well"),
        ("", True, "wrong"),
        ("https://journeys.shop.example", True, "well"),
        ("http://journeys.shop.example", True, "wrong"),
        ("http://journeys.shop.example", False, "unwise"),
        ("https://127.0.0.2", True, "wrong"),
    ],
)
def test_where_links_lead(url: str, sends: bool, state: str) -> None:
    settings = Settings.load(_env_file=None, public_url=url)
    assert here.public_address(settings, sends=sends).state == state


def test_space(tmp_path: Path) -> None:
    gb = 10**9
    assert here.disk(tmp_path, free=50 * gb, total=900 * gb).state == "well"
    assert here.disk(tmp_path, free=4 * gb, total=900 * gb).state == "unwise"
    assert here.disk(tmp_path, free=gb // 2, total=2 * gb).state == "wrong"


HELLO = "250-here\r\n250 AUTH PLAIN"


@contextmanager
def mail_server(*answers: str) -> Iterator[tuple[int, list[str]]]:
    """Answers each line in turn."""
    heard: list[str] = []

    def play() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                for answer in answers:
                    connection.sendall(f"{answer}\r\n".encode())
                    heard.append(lines.readline().decode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=play)
        thread.start()
        yield listener.getsockname()[1], heard
    thread.join(5)


def test_a_mail_server_that_lets_us_in_is_sent_nothing() -> None:
    with mail_server("220 here", HELLO, "235 welcome", "221 bye") as (port, heard):
        found = providers.smtp(
            SmtpServer(host="127.0.0.1", port=port, user="shop", password="s3cret")
        )
    assert found.state == "unwise"
    assert "without encryption" in found.said
    assert [line.split()[0].lower() for line in heard if line] == ["ehlo", "auth", "quit"]


def test_a_mail_server_that_does_not() -> None:
    with mail_server("220 here", HELLO, "535 no") as (port, _):
        found = providers.smtp(
            SmtpServer(host="127.0.0.1", port=port, user="shop", password="s3cret")
        )
    assert found.state == "wrong"
    assert "password" in found.mend
    assert "s3cret" not in str(found)
    assert providers.smtp(SmtpServer(host="127.0.0.1", port=port)).state == "wrong"


@contextmanager
def provider(status: int, document: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Answers one question."""
    heard: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, str(self.headers["Authorization"])))
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        thread.join(5)


@pytest.mark.parametrize(
    ("status", "document", "state"),
    [
        (200, {"scopes": ["mail.send", "x"]}, "well"),
        (200, {"scopes": ["alerts.read"]}, "wrong"),
        (401, {}, "wrong"),
        (500, [], "wrong"),
    ],
)
def test_a_key_of_sendgrid(status: int, document: Any, state: str) -> None:
    with provider(status, document) as (url, heard):
        found = providers.sendgrid("SG.s3cret", url)
    assert found.state == state
    assert heard == [("/v3/scopes", "Bearer SG.s3cret")]
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("status", "document", "state"),
    [
        (200, {"status": "active", "type": "Full"}, "well"),
        (200, {"status": "active", "type": "Trial"}, "unwise"),
        (200, {"status": "suspended"}, "wrong"),
        (401, {}, "wrong"),
    ],
)
def test_an_account_of_twilio(status: int, document: Any, state: str) -> None:
    with provider(status, document) as (url, heard):
        found = providers.twilio("AC1", "s3cret", url)
    assert found.state == state
    assert heard[0][0] == "/2010-04-01/Accounts/AC1.json"
    assert "s3cret" not in str(found)


def test_a_provider_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert providers.sendgrid("k", f"http://127.0.0.1:{port}").state == "wrong"


def test_a_service_account(tmp_path: Path) -> None:
    with Fcm() as double:
        transport = FcmTransport.load(double.credentials(tmp_path / "account.json"), double.url)
        assert providers.fcm(transport).state == "well"
        assert double.messages == []
        gone = FcmTransport.load(tmp_path / "account.json", double.url)
    assert providers.fcm(gone).state == "wrong"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["parcours", "doctor", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_wrong_settings_are_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARCOURS_PORT", "0")
    assert run(monkeypatch, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["well"] is False
    assert "PARCOURS_PORT" in told["findings"][0]["said"]


def test_nothing_is_started_to_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS", "DATA_DIR"):
        monkeypatch.delenv(f"PARCOURS_{name}", raising=False)
    (tmp_path / "records").write_text('shop.example. TXT "v=spf1 mx ~all"', encoding="utf-8")
    monkeypatch.setenv("PARCOURS_EMAIL_FROM", "Shop <hello@shop.example>")
    assert run(monkeypatch, "--records", "records") == 1
    lines = capsys.readouterr().out.splitlines()
    assert (
        "wrong   database: is not running. Start `parcours up`, or set PARCOURS_DATABASE_URL."
        in lines
    )
    assert any(line.startswith("well    SPF") for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["records"]
    assert run(monkeypatch, "--records", "none") == 2


def test_shops_that_are_set_up_are_told_whether_they_are_heard() -> None:
    secret = "s" * 32
    assert list(shops.look(Settings.load())) == []
    public = {"public_url": "https://journeys.example.com"}
    (well,) = shops.look(Settings.load(shopify_secret=secret, **public))
    assert (well.state, "https://journeys.example.com/hooks/shopify" in well.said) == ("well", True)
    (alone,) = shops.look(Settings.load(prestashop_secret=secret))
    assert (alone.state, "PUBLIC_URL" in alone.mend) == ("unwise", True)
    (short,) = shops.look(Settings.load(prestashop_secret="short", **public))
    assert (short.state, short.about) == ("unwise", "PrestaShop")
