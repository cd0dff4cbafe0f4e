"""Calls to web addresses that others have written: what is refused, and what came of a call."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from activities import outward
from activities.outward import Answered, NotAllowed, NotAnswered, NotReached, call, is_public

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Hears one request on loopback and answers it with these bytes."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.answer = answer
        self.heard = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/there"
        self.thread = threading.Thread(target=self.play)
        self.thread.start()

    def play(self) -> None:
        with suppress(OSError):
            connection, _ = self.listener.accept()
            with connection:
                while not self.heard.endswith(b"}"):
                    if not (some := connection.recv(4096)):
                        return
                    self.heard += some
                self.answer(connection)


@contextmanager
def server(answer: bytes | Callable[[socket.socket], None] = FINE) -> Iterator[Server]:
    one = Server(answer if callable(answer) else lambda c: c.sendall(answer))
    try:
        yield one
    finally:
        one.listener.close()
        one.thread.join(5)


def ask(url: str, timeout: float = 5, **headers: str) -> Answered:
    return call("POST", url, headers, b"{}", timeout, allow_private=True)


def test_the_request_is_sent_as_given_and_the_answer_returned() -> None:
    with server() as there:
        answered = ask(f"{there.url}?q=a b", Authorization="Bearer x")
    assert (answered.status, answered.body, answered.whole) == (200, b"ok", True)
    head, _, body = there.heard.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /there?q=a%20b HTTP/1.1"
    assert f"Host: 127.0.0.1:{there.port}".encode() in lines
    assert b"Authorization: Bearer x" in lines
    assert body == b"{}"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", "http://2130706433/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
     "http://169.254.169.254/latest", "http://0/", "http://localhost/", "http://100.64.0.1/"],
)  # fmt: skip
def test_an_address_of_this_machine_or_its_network_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed, match="PARCOURS_ALLOW_PRIVATE_ADDRESSES"):
        call("GET", url, {}, b"", 1)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "example.com", "https://", "http://a:b@example.com/",
     "http://example.com:99999/", "http://[::1", ""],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        ask(url)


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "192.168.0.1", "172.16.0.1", "224.0.0.1", "255.255.255.255", "192.0.0.192",
     "fe80::1%eth0", "fec0::1", "fc00::1", "ff02::1", "::", "::7f00:1", "2002:7f00:1::",
     "64:ff9b::a00:1", "64:ff9b:1::1", "::ffff:169.254.169.254", "2001:0:4136:e378:8000:63bf:80ff:fffe"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2606:4700::1111", "64:ff9b::909:909"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve(monkeypatch, "9.9.9.9", "10.0.0.1")
    with pytest.raises(NotAllowed):
        call("GET", "http://shop.example/", {}, b"", 1)


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _resolve(monkeypatch, "127.0.0.1")
    with server() as there:
        ask(f"http://shop.example:{there.port}/")
    assert asked == ["shop.example"]
    assert f"Host: shop.example:{there.port}".encode() in there.heard


def _resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let one look-up answer these; a second one would find another address."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: object, **options: object) -> list[object]:
        if host in addresses:  # a socket looks up what it is given
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        asked.append(host)
        assert len(asked) == 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    monkeypatch.setattr(outward.socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_redirect_is_an_answer_like_another() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with server(moved) as there:
        assert ask(there.url).status == 302


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nY: b"}, {"X": "a\n b"}, {"X\r\n": "a"}, {"X": "a\0"}, {"Host": "x"},
                {"Content-Length": "9"}],
)  # fmt: skip
def test_headers_cannot_smuggle(headers: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        ask("http://127.0.0.1:9/", **headers)


def test_a_long_answer_is_cut() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 1_000_000
    with server(long) as there:
        answered = ask(there.url)
    assert (len(answered.body), answered.whole) == (outward.LARGEST, False)


@pytest.mark.parametrize(
    "rest", [b"Content-Length: 9\r\n\r\nok", b"Transfer-Encoding: chunked\r\n\r\n5\r\nok"]
)
def test_an_answer_that_breaks_off_has_its_status(rest: bytes) -> None:
    with server(b"HTTP/1.1 200 OK\r\n" + rest) as there:
        answered = ask(there.url)
    assert (answered.status, answered.whole) == (200, False)


def test_nobody_there_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(NotReached):
        ask(f"http://127.0.0.1:{port}/")


def test_an_unknown_name_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(outward.socket, "getaddrinfo", unknown)
    with pytest.raises(NotReached, match=r"nobody\.example"):
        ask("http://nobody.example/")


def test_without_trusted_encryption_nothing_is_sent() -> None:
    with server() as there, pytest.raises(NotReached, match=r"encryption|time"):
        ask(there.url.replace("http:", "https:"), timeout=0.5)
    assert b"POST" not in there.heard


def test_silence_after_the_request_is_not_answered() -> None:
    with server(lambda c: time.sleep(0.5)) as there, pytest.raises(NotAnswered, match="in time"):
        ask(there.url, timeout=0.2)


def test_hanging_up_is_not_answered() -> None:
    with server(lambda c: c.close()) as there, pytest.raises(NotAnswered, match="broke off"):
        ask(there.url)


def test_an_answer_in_drops_does_not_outlast_the_time() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    began = time.monotonic()
    with server(drip) as there, pytest.raises(NotAnswered, match="in time"):
        ask(there.url, timeout=0.3)
    assert time.monotonic() - began < 3


def test_no_error_names_more_than_the_host() -> None:
    with pytest.raises(NotAllowed) as told:
        call("GET", "http://127.0.0.1/ada@example.com?key=secret", {"X": "secret"}, b"", 1)
    assert "secret" not in str(told.value)
    assert "ada" not in str(told.value)


def test_the_name_of_the_host_is_what_encryption_is_checked_against(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str | None] = []

    class Trust(ssl.SSLContext):
        def wrap_socket(self, _: socket.socket, **options: object) -> ssl.SSLSocket:
            seen.append(str(options["server_hostname"]))
            raise ssl.SSLError

    _resolve(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(outward, "_trust", lambda: Trust(ssl.PROTOCOL_TLS_CLIENT))
    with server() as there, pytest.raises(NotReached):
        ask(f"https://shop.example:{there.port}/")
    assert seen == ["shop.example"]
