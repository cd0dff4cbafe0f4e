"""The doubles sign as the vendors' own libraries verify, and refuse what the vendors refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from tests.doubles.sendgrid import SendGrid
from tests.doubles.server import Double, cut, post, slow, throttled
from tests.doubles.twilio import Twilio

MAIL: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ada@example.com"}], "custom_args": {"parcours_message": "m"}}],
    "from": {"email": "shop@example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hi"}],
}  # fmt: skip
SMS = {"To": "+33612345678", "From": "+15550001111", "Body": "Hi"}


def ask(
    double: Double, target: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = HTTPConnection("127.0.0.1", double.port, timeout=5)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if body is None else "POST", target, body, given)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, dict(answer.headers), json.loads(content) if content else None
    finally:
        connection.close()


def mail(double: SendGrid, key: str = "SG.double", **changes: Any) -> tuple[int, Any, Any]:
    body = json.dumps(MAIL | changes).encode()
    return ask(
        double, "/v3/mail/send", body,
        Authorization=f"Bearer {key}", Content_Type="application/json",
    )  # fmt: skip


def sms(double: Twilio, **changes: str) -> tuple[int, Any, Any]:
    import base64

    basic = base64.b64encode(f"{double.account}:{double.token}".encode()).decode()
    return ask(
        double, f"/2010-04-01/Accounts/{double.account}/Messages.json",
        urlencode(SMS | changes).encode(),
        Authorization=f"Basic {basic}", Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip


@contextmanager
def listener(heard: list[tuple[dict[str, str], bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_sendgrid_takes_a_mail_and_finds_it() -> None:
    with SendGrid() as double:
        status, headers, _ = mail(double)
        assert (status, headers["X-Message-Id"]) == (202, double.messages[0].id)
        query = urlencode({"limit": 1, "query": "unique_args['parcours_message']=\"m\""})
        status, _, body = ask(double, f"/v3/messages?{query}", Authorization="Bearer SG.double")
        assert (status, len(body["messages"])) == (200, 1)
        assert double.counted() == {"m": 1}


def test_sendgrid_refuses_in_its_own_words() -> None:
    with SendGrid() as double:
        assert mail(double, key="SG.other")[0] == 401
        status, _, body = mail(double, subject="")
        assert (status, body["errors"][0]["field"]) == (400, "subject")
        wrong: dict[str, Any]
        for wrong in ({"headers": {"DKIM-Signature": "x"}}, {"personalizations": []}):
            assert mail(double, **wrong)[0] == 400
        assert double.messages == []


def test_orders_are_carried_out_one_after_the_other() -> None:
    with SendGrid() as double:
        double.order(throttled(7), slow(0.01), cut())
        status, headers, body = mail(double)
        assert (status, headers["Retry-After"]) == (429, "7")
        assert body["errors"]
        assert len(double.messages) == 0
        assert mail(double)[0] == 202
        with pytest.raises(RemoteDisconnected):
            mail(double)
        assert len(double.messages) == 2


def test_sendgrid_signs_what_its_library_verifies() -> None:
    heard: list[tuple[dict[str, str], bytes]] = []
    with SendGrid() as double, listener(heard) as url:
        double.tell(url, copies=2, seed=3)
        mail(double)
        double.settle()
        assert len(heard) == 4
        for headers, body in heard:
            assert EventWebhook(double.verification_key).verify_signature(
                body.decode(),
                headers["X-Twilio-Email-Event-Webhook-Signature"],
                headers["X-Twilio-Email-Event-Webhook-Timestamp"],
            )
            assert json.loads(body)[0]["parcours_message"] == "m"


def test_twilio_signs_what_its_library_verifies() -> None:
    heard: list[tuple[dict[str, str], bytes]] = []
    with Twilio() as double, listener(heard) as url:
        assert sms(double, StatusCallback=f"{url}?message=m")[0] == 201
        (message,) = double.messages
        callback = double.status(f"{url}?message=m", message, "undelivered", 30003)
        assert post([callback, double.inbound(url, SMS["To"], "STOP")]) == [204, 204]
        for asked, (headers, body) in zip((f"{url}?message=m", url), heard, strict=True):
            form = dict(parse_qsl(body.decode()))
            valid = RequestValidator(double.token).validate(
                asked, form, headers["X-Twilio-Signature"]
            )
            assert valid
        assert double.counted() == {"m": 1}


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"To": "06 12"}, 21211), ({"From": ""}, 21603), ({"Body": ""}, 21602),
     ({"Body": "x" * 1601}, 21617), ({"To": "+33600000000"}, 21610)],
)  # fmt: skip
def test_twilio_refuses_by_its_codes(changes: dict[str, str], code: int) -> None:
    with Twilio() as double:
        double.refuse["+33600000000"] = 21610
        status, _, body = sms(double, **changes)
        assert (status, body["code"]) == (400, code)
        assert double.messages == []
