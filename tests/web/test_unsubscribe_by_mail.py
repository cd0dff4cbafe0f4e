"""From a mail as a server receives it to the customer's no, by its own headers alone."""

import email.policy
from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import dkim
import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi.testclient import TestClient
from sqlalchemy import select

from activities.delivery import Delivery
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.model.template import Template
from engine.settings import Settings
from engine.store import documents, tables
from engine.store.session import Database
from parcours.embedded.process import free_port
from workers.registry import composer, transports

TEMPLATE = {
    "id": "by-mail", "name": "By mail", "channel": "email",
    "locales": {"en": {"subject": "News", "body": "<p>News. <a href='{{ unsubscribe_url }}'>No</a>"}},
}  # fmt: skip
JOURNEY = {
    "id": "by-mail", "name": "By mail", "topic": "by-mail",
    "entry": {"on": {"event": "Mail Me"}, "reentry": {"mode": "per_key", "key": "n"}},
    "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "by-mail"}],
}  # fmt: skip


class Mailbox:
    """A mail server that keeps what it was given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - the library's
        self.mails.append(envelope.original_content)
        return "250 OK"

    def last(self) -> EmailMessage:
        read: Any = BytesParser(policy=email.policy.default).parsebytes(self.mails[-1])
        return read  # type: ignore[no-any-return]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    kept = Mailbox()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, controller.port
    controller.stop()


def test_a_mail_can_be_declined_by_its_own_headers(
    stranger: TestClient, shop_settings: Settings, mailbox: tuple[Mailbox, int], tmp_path: Path
) -> None:
    private = rsa.generate_private_key(65537, 2048)
    key = tmp_path / "dkim.pem"
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kept, port = mailbox
    settings = Settings.load(
        **shop_settings.model_dump(include={"database_url", "data_dir", "public_url"}),
        email="smtp", smtp_url=f"smtp://127.0.0.1:{port}", email_from="Shop <mail@shop.example>",
        dkim_key=key, dkim_selector="s", dkim_domain="shop.example",
    )  # fmt: skip
    database: Database = stranger.app.state.database  # type: ignore[attr-defined]
    template = Template.model_validate(TEMPLATE)
    database.transact(lambda c: documents.put_template(c, template))
    save_journey(database, Journey.model_validate(JOURNEY), actor=COMMAND_LINE)
    publish(database, "by-mail", actor=COMMAND_LINE)
    delivery = Delivery(
        database, composer(settings, database), transports(settings), lambda _: None
    )
    user = f"by-mail-{uuid4()}"

    def write(n: int) -> str:
        """Let the journey write to her; return what became of it."""
        told: dict[str, Any] = {"source": "test", "user_id": user}
        who = {"email": "ada@customers.example"}
        receive(database, [
            Incoming(**told, message_id=uuid4().hex, kind="identify", name="I", traits=who),
            Incoming(**told, message_id=uuid4().hex, kind="track", name="Mail Me",
                     properties={"n": f"{user}-{n}"}),
        ])  # fmt: skip
        run: UUID
        with database.read() as connection:
            query = select(tables.run.c.id, tables.run.c.revision)
            found = connection.execute(query.where(tables.run.c.entry_key == f"{user}-{n}")).one()
            run, revision = found
        delivery.send(run, revision)
        with database.read() as connection:
            message = tables.message.c
            query = select(message.state, message.reason).where(message.run_id == run)
            state, reason = connection.execute(query).one()
        return f"{state} {reason or ''}".strip()

    assert write(1) == "sent"
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + b64encode(public)
    assert dkim.verify(kept.mails[-1], dnsfunc=lambda name, timeout=5: record)
    covered = kept.last()["DKIM-Signature"].split("h=")[1].split(";")[0].lower()
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(covered.replace(" ", "").split(":"))
    address = str(kept.last()["List-Unsubscribe"]).strip("<>")
    assert kept.last()["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    assert stranger.get(address).status_code == 200
    assert write(2) == "sent", "a scanner that opens the link changes nothing"
    answer = stranger.post(address, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert write(3) == "skipped not_subscribed"
    assert len(kept.mails) == 2
