"""Forks a worker for each line it reads, which sends one message; run as a script.

A line is `RUN REVISION`. The forked process's number is answered, so that it can be killed while
its provider has the message in hand. Forking spares each of them the time that imports take.
"""

import os
import signal
import sys
from datetime import timedelta
from uuid import UUID

from activities import delivery as deliveries
from activities.composing import Composer
from activities.content.links import Tracker
from activities.delivery import Delivery
from activities.email.sendgrid import SendGridTransport
from engine.flow import claim as claims
from engine.model.base import CHANNELS
from engine.run.links import Links
from engine.store.session import Database

LEASE = timedelta(seconds=0.6)


def sender(database: Database, provider: str, *, activity: bool) -> Delivery:
    """Return what sends over a double of SendGrid."""
    links = Links(base="https://shop.example", keys=("key",))
    composer = Composer(database, links, Tracker(("key",), "https://shop.example"))
    transport = SendGridTransport(
        "SG.double", "shop@example.com", base_url=provider, activity=activity
    )
    return Delivery(database, composer, dict.fromkeys(CHANNELS, transport), lambda _: None)


def main(url: str, provider: str, activity: bool) -> None:
    """Fork a worker for each line."""
    claims.LEASE = LEASE
    # The attempt's own patience stays as it is: it ends by being killed.
    assert deliveries.LEASE > LEASE
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        run, revision = line.split()
        child = os.fork()
        if child == 0:
            database = Database(url, pool_size=1)
            sender(database, provider, activity=activity).send(UUID(run), int(revision))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "ask")
