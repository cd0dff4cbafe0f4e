"""Customers who are merged and parted in tests: what they do, and all that is known of them."""

from collections import defaultdict
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from engine.flow.claim import Claimed, Rendered, claim
from engine.flow.consent import Proof, say
from engine.flow.intake import Incoming, receive
from engine.flow.merging import merge, undo
from engine.flow.publish import publish, save_journey
from engine.flow.record import Outcome, record
from engine.model.actor import Actor
from engine.model.journey import Journey
from engine.model.segment import Segment
from engine.model.template import Template
from engine.model.topic import Topic
from engine.model.workspace import Workspace
from engine.store import customers, documents
from engine.store.session import Database

WHO = Actor("u1", "Vera")
SENT = Outcome(what="sent", provider="test", provider_id="p1")
MESSAGE: dict[str, Any] = {"id": "mail", "type": "send", "channel": "email", "template": "t"}
SPLIT: dict[str, Any] = {
    "id": "split", "type": "split", "arms": [{"id": "a", "weight": 50}, {"id": "b", "weight": 50}],
}  # fmt: skip
REST: dict[str, Any] = {"id": "rest", "type": "wait", "for": "30d"}
BOUGHT: dict[str, Any] = {
    "id": "bought", "type": "wait_for", "timeout": "9d", "since": "mail",
    "events": [{"on": {"event": "Order Completed"}, "then": []}],
    "else": [{"id": "gone", "type": "exit", "reason": "silent"}],
}  # fmt: skip


class People:
    """A shop whose customers write to it under several names."""

    def __init__(self, database: Database) -> None:
        self.database = database
        template = {"id": "t", "name": "t", "channel": "email", "locales": {"en": {"body": "x"}}}
        self.put(lambda c: documents.put_template(c, Template.model_validate(template)))
        self.put(lambda c: documents.put_workspace(c, Workspace(legal_hours=False)))
        self.put(lambda c: documents.put_topic(c, Topic(id="offers", name="Offers")))

    def put(self, work: Any) -> Any:
        """Do something in a transaction."""
        return self.database.transact(work)

    def journey(self, id: str, *steps: dict[str, Any], **more: Any) -> None:
        """Publish a journey that "Go" opens, with `id` as the event's beginning."""
        document = {
            "id": id, "name": id, "topic": "offers",
            "entry": {"on": {"event": f"{id} Go"}, "reentry": {"mode": "per_key", "key": "n"}},
            "goal": {"event": "Order Completed", "within": "7d", "revenue": "total"},
            "steps": list(steps), **more,
        }  # fmt: skip
        save_journey(self.database, Journey.model_validate(document), actor=WHO)
        publish(self.database, id, actor=WHO)

    def segment(self, id: str, rule: dict[str, Any]) -> None:
        """Have a segment, of which everybody was looked at."""
        written = Segment.model_validate({"id": id, "name": id, "rule": rule})

        def work(connection: Connection) -> None:
            documents.put_segment(connection, written)
            connection.execute(text("UPDATE segment SET state = 'ready'"))
            documents.touch(connection)

        self.put(work)

    def does(self, user: str, name: str, **more: Any) -> None:
        """Take in an event of a customer: of an anonymous one when the name begins with `~`."""
        whose = {"anonymous_id": user} if user.startswith("~") else {"user_id": user}
        given: dict[str, Any] = {
            "source": "test", "message_id": uuid4().hex, "kind": "track", "name": name,
            **whose, **more,
        }  # fmt: skip
        receive(self.database, [Incoming(**given)])

    def tells(self, user: str, **traits: Any) -> None:
        """Have a customer tell who she is."""
        self.does(user, "Customer Identified", kind="identify", traits=traits)

    def says(self, user: str, topic: str, state: Any, channel: Any = "email") -> None:
        """Have a customer say what she wants."""
        say(self.database, self.id(user), {(topic, channel): state}, Proof(how="page"))

    def id(self, user: str) -> UUID:
        """Return whose a name is."""
        named = ("anonymous_id" if user.startswith("~") else "external_id", user)
        with self.database.read() as connection:
            return customers.identified(connection, [named])[named]

    def merge(self, kept: str, merged: str) -> UUID:
        """Merge two customers, and return the merge."""
        return merge(self.database, self.id(kept), self.id(merged), actor=WHO)[0].id

    def undo(self, merge: UUID) -> None:
        """Make them two again."""
        undo(self.database, merge, actor=WHO)

    def read(self, statement: str, **given: Any) -> list[dict[str, Any]]:
        """Return rows."""
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(text(statement), given).mappings()]

    def one(self, statement: str, **given: Any) -> dict[str, Any]:
        """Return the one row."""
        (row,) = self.read(statement, **given)
        return row

    def customer(self, user: str) -> dict[str, Any]:
        """Return a customer's row."""
        return self.one("SELECT * FROM customer WHERE id = :id", id=self.id(user))

    def claim(self, run: UUID) -> Any:
        """Claim a run's message as the activity does."""
        row = self.one(
            "SELECT r.revision, c.addresses ->> 'email' AS email FROM run r "
            "JOIN customer c ON c.id = r.customer_id WHERE r.id = :run",
            run=run,
        )
        rendered = Rendered(to=row["email"], subject="s", body="b")
        return claim(self.database, run, row["revision"], rendered)[0]

    def record(self, run: UUID, claimed: Claimed, outcome: Outcome = SENT) -> Any:
        """Record what became of it."""
        return record(self.database, run, claimed.message, claimed.token, outcome)[0]

    def live(self, rng: Random, users: list[str], n: int) -> None:
        """Let customers do things by chance, and the workers, too."""
        for _ in range(n):
            user = rng.choice(users)
            match rng.randrange(9):
                case 0 | 1:
                    self.does(
                        user, rng.choice(["j Go", "k Go"]), properties={"n": rng.choice("12")}
                    )
                case 2:
                    bought = {"total": rng.randrange(90), "order_id": uuid4().hex}
                    self.does(user, "Order Completed", properties=bought)
                case 3:
                    known = {rng.choice(["tier", "size", "first_name"]): rng.choice("abc")}
                    self.tells(user, **known)
                case 4:
                    email = f"{rng.choice('abc')}{users.index(user)}@example.com"
                    self.does(user, "Customer Identified", kind="identify",
                              traits={"email": email}, device_token=f"token-{rng.randrange(3)}")  # fmt: skip
                case 5:
                    said = [
                        ("offers", "subscribed"),
                        ("offers", "unsubscribed"),
                        ("*", "unsubscribed"),
                    ]
                    self.says(user, *rng.choice(said))
                case 6 | 7:
                    self._send(rng, user)
                case _:
                    self.does(user, "Product Viewed", properties={"sku": rng.choice("xyz")})

    def _send(self, rng: Random, user: str) -> None:
        rows = self.read(
            "SELECT id FROM run WHERE customer_id = :id AND ended_at IS NULL "
            "AND command ->> 'kind' = 'deliver' AND lease_until IS NULL ORDER BY id LIMIT 1",
            id=self.id(user),
        )
        for row in rows:
            claimed = self.claim(row["id"])
            if isinstance(claimed, Claimed) and rng.random() < 0.7:
                self.record(row["id"], claimed)


KEPT = {
    "identity": "namespace, value",
    "run": "id",
    "message": "id",
    "run_trace": "run_id, n",
    "coupon_code": "pool, code",
    "consent": "id",
    "suppression": "channel, address",
    "membership": "customer_id, segment_id",
    "event_key": "source, message_id",
    "intervention_run": "run_id",
    "purchase": "source, id",
    "gift_card": "id",
}
"""Tables without numbers of a customer's order in their keys, and what they are sorted by."""


def everything(connection: Connection) -> dict[str, Any]:
    """Return all that is known of customers; numbers of their order by their rank.

    A customer's counter never goes back, and what a merge makes of consents is derived.
    """
    order = _Order(connection)
    found: dict[str, Any] = {}
    for table, by in KEPT.items():
        rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY {by}")).mappings()  # noqa: S608 - constants
        found[table] = [dict(row) for row in rows]
    found["customer"] = [
        {key: value for key, value in row.items() if key not in {"seq", "last_at", "merges"}}
        for row in connection.execute(text("SELECT * FROM customer ORDER BY id")).mappings()
    ]
    found["consent"] = [row for row in found["consent"] if row["how"] != "merge"]
    # Without a row she is in no segment either.
    found["membership"] = [row for row in found["membership"] if row["inside"]]
    for row in found["membership"]:
        del row["next_change_at"]
    for row in found["run"]:
        row["state"]["since"] = {
            step: order.rank(row["customer_id"], seq) for step, seq in row["state"]["since"].items()
        }
    for row in found["message"]:
        row["claim_seq"] = order.rank(row["customer_id"], row["claim_seq"])
    for table, whose in (
        ("event", "customer_id"), ("entry_refusal", "customer_id"),
        ("message_transition", "customer_id"),
        ("run_input", "(SELECT customer_id FROM run WHERE id = run_id)"),
    ):  # fmt: skip
        statement = text(f"SELECT t.*, {whose} AS whose FROM {table} t")  # noqa: S608 - constants
        rows = [dict(row) for row in connection.execute(statement).mappings()]
        # A segment that is entered and left by being merged tells so.
        rows = [row for row in rows if not row.get("name", "").startswith("Segment ")]
        for row in rows:
            row["seq"] = order.rank(row["whose"], row["seq"])
            if "decided_seq" in row:
                row["decided_seq"] = order.rank(row["whose"], row["decided_seq"])
                row["data"].pop("since", None)
        found[table] = sorted(rows, key=str)
    return found


class _Order:
    """The numbers that are in use of each customer, in order."""

    def __init__(self, connection: Connection) -> None:
        used: defaultdict[UUID, set[int]] = defaultdict(set)
        for statement in (
            "SELECT customer_id, seq FROM event WHERE name NOT LIKE 'Segment %'",
            "SELECT customer_id, seq FROM entry_refusal",
            "SELECT customer_id, seq FROM message_transition",
            "SELECT r.customer_id, i.seq FROM run_input i JOIN run r ON r.id = i.run_id",
            "SELECT r.customer_id, i.decided_seq FROM run_input i JOIN run r ON r.id = i.run_id",
        ):
            for customer, seq in connection.execute(text(statement)):
                used[customer] |= {seq} - {None}
        self._ranks = {
            customer: {seq: n for n, seq in enumerate(sorted(seqs))}
            for customer, seqs in used.items()
        }

    def rank(self, customer: UUID, seq: int | None) -> int | None:
        """Return how many of the customer's numbers are smaller."""
        return None if seq is None else self._ranks[customer][seq]
