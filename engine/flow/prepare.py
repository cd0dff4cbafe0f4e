"""What a message is made from: read without a lock, before the claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, func, select

from engine.compile.sending import ENVELOPE
from engine.model.base import Channel
from engine.model.customer import Customer
from engine.model.journey import SendStep, Variant
from engine.model.snippet import bodies
from engine.model.template import Content
from engine.model.workspace import Workspace
from engine.names import Answer
from engine.run.assignment import message_id
from engine.run.best_hour import best_hour, window_of
from engine.run.hours import hours_for
from engine.run.law import country_of
from engine.run.state import Deliver, State
from engine.store import catalogue as catalogues
from engine.store import opens, runs, tables
from engine.store.catalogue import Catalogue
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message before it is rendered. `content` is None when its template is gone.

    `snippets` are the shared pieces in its language. `best_hour` is the window in which she opens
    most, when the step asks for it and something is known.
    """

    id: UUID
    customer: UUID
    channel: Channel
    to: str | None
    content: Content | None
    variables: Mapping[str, Any]
    from_: str | None
    class_: Literal["marketing", "transactional"]
    topic: str | None
    locale: str | None
    shop: Workspace
    snippets: Mapping[str, str]
    best_hour: str | None


def prepare(database: Database, run_id: UUID, revision: int) -> Draft | Answer:
    """Return the message that the run's command at `revision` is about, or a newer command."""
    with database.read() as connection:
        run = runs.one(connection, run_id)
        if run is None or run.revision != revision or not isinstance(run.command, Deliver):
            return runs.answer(connection, run_id)
        command = run.command
        catalogue = catalogues.current(database, connection)
        customer = customer_of(connection, run.state.customer, catalogue)
        machine = catalogues.machine(database, connection, run.plan_hash)
        step = getattr(machine.plan.instructions[run.state.place], "step", None)
        if not isinstance(step, SendStep):
            raise AssertionError("only a send step delivers")
        variant = machine.variant(run.state, step)
        own: dict[str, Any] = dict(variant.set) if variant is not None else {}
        template = catalogue.templates.get(str(own.get("template") or step.template))
        shop = catalogue.workspace
        content = template.content(customer.locale, shop.locale) if template is not None else None
        variables = variables_of(customer, run.state, variant, shop)
        locale = customer.locale or shop.locale
        return Draft(
            id=message_id(run.id, command.step, command.visit),
            customer=customer.id,
            channel=command.channel,
            to=customer.address(command.channel),
            content=worded(content, own, step.subject, step.preheader)
            if content is not None
            else None,
            variables=variables,
            from_=str(own["from"]) if own.get("from") else step.from_,
            class_=step.class_,
            topic=step.topic or machine.plan.journey.topic,
            locale=locale,
            shop=shop,
            snippets=bodies(catalogue.snippets, locale),
            best_hour=_best_hour(database, connection, customer, command.channel, shop)
            if step.moment(variant) == "best_hour"
            else None,
        )


def _best_hour(
    database: Database,
    connection: Connection,
    customer: Customer,
    channel: Channel,
    shop: Workspace,
) -> str | None:
    zone = customer.time_zone or shop.time_zone
    now = connection.execute(select(func.clock_timestamp())).scalar_one()
    country = country_of(customer.address("sms")) or shop.country
    hours = hours_for(channel, zone=zone, country=country, workspace=shop)
    hour = best_hour(
        opens.own(connection, customer.id, zone, now),
        opens.everybodys(database, connection, zone, now),
        hours.whole_hours(),
    )
    return window_of(hour) if hour is not None else None


def variables_of(
    customer: Customer, state: State, variant: Variant | None, shop: Workspace
) -> dict[str, Any]:
    """Return what a message of a run in this state may speak of."""
    own = variant.set if variant is not None else {}
    return {
        "customer": {**customer.known, "id": str(customer.id)},
        "event": dict(state.entry),
        "steps": state.told,
        "shop": {"name": shop.name, "currency": shop.currency, "locale": shop.locale},
        **{key: value for key, value in own.items() if key not in ENVELOPE},
    }


def worded(
    content: Content, own: Mapping[str, Any], subject: str | None, preheader: str | None
) -> Content:
    """Let what a variant sets (`own`), else the step, replace the template's subject and preheader."""
    changes = {
        name: str(value)
        for name, value in (
            ("subject", own.get("subject") or subject),
            ("preheader", own.get("preheader") or preheader),
        )
        if value is not None
    }
    return content.model_copy(update=changes)


_C = tables.customer.c
_ONE = select(
    _C.id,
    _C.traits,
    _C.derived,
    _C.addresses,
    _C.locale,
    _C.time_zone,
    _C.consent,
    _C.suppressed,
    _C.scored,
    func.clock_timestamp().label("clock"),
).where(_C.id == tables.bound("customer"))


def customer_of(connection: Connection, customer: UUID, shop: Catalogue) -> Customer:
    """Return who she is now, read without her lock."""
    row = dict(connection.execute(_ONE, {"customer": customer}).mappings().one())
    scored, clock = row.pop("scored"), row.pop("clock")
    return Customer(**row | {"derived": shop.derivation.fresh(row["derived"], scored, clock)})
