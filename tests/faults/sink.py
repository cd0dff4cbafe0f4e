"""A mail server outside the product that remembers every mail it has accepted.

Its own process, so that nothing the product suffers reaches it:

    python sink.py SECONDS

prints its port, then one JSON object a line for each mail, before it answers that it took it. It
takes up to so many seconds before it has a mail, and as long until it says so: a sender who dies
meanwhile cannot know which of the two it was.
"""

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One accepted mail."""

    id: str
    """The local part of its Message-ID: the message's id in the ledger."""
    to: str
    subject: str
    body: str


@dataclass(slots=True)
class Sink:
    """What the mail server has accepted so far."""

    url: str
    mails: list[Mail] = field(default_factory=list)

    def counted(self) -> Counter[str]:
        """How often each message was accepted."""
        return Counter(mail.id for mail in list(self.mails))

    def settle(self, quiet: float = 0.5) -> None:
        """Wait until what was accepted has been read."""
        before = -1
        while before != len(self.mails):
            before = len(self.mails)
            time.sleep(quiet)


@contextmanager
def open_sink(slowness: float = 0.0) -> Iterator[Sink]:
    """Run the mail server for the length of a block."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(slowness)], stdout=subprocess.PIPE, text=True
    )
    output = process.stdout
    assert output is not None
    sink = Sink(f"smtp://127.0.0.1:{int(output.readline())}")

    def read() -> None:
        for line in output:
            sink.mails.append(Mail(**json.loads(line)))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield sink
    finally:
        process.kill()
        process.wait()
        reading.join()
        output.close()


def main(slowness: float) -> None:
    """Accept mails until killed."""
    from email import message_from_bytes
    from email.policy import default

    from aiosmtpd.smtp import SMTP

    class Handler:  # aiosmtpd prescribes its method
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
            await asyncio.sleep(random.uniform(0, slowness))
            mail = message_from_bytes(envelope.content, policy=default)
            body = mail.get_body(("plain", "html"))
            record = {
                "id": mail["Message-ID"].strip("<>").partition("@")[0],
                "to": ", ".join(envelope.rcpt_tos),
                "subject": mail["Subject"],
                "body": body.get_content() if body is not None else "",
            }
            sys.stdout.write(json.dumps(record) + "\n")
            sys.stdout.flush()
            await asyncio.sleep(random.uniform(0, slowness))
            return "250 OK"

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Handler(), hostname="sink", loop=loop), "127.0.0.1", 0, backlog=512
        )
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main(float(sys.argv[1]))
