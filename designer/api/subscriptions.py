"""What a customer has said about topics, in the document that the shop's systems send."""

from typing import Any, Final, NoReturn
from uuid import UUID

from fastapi import Request
from pydantic import ValidationError

from engine.errors import InvalidDocument, Problem
from engine.flow import consent
from engine.flow.consent import Changes, Proof
from engine.model.base import Channel, Frozen
from engine.model.customer import EVERYTHING
from engine.model.topic import Subscription, Topic
from engine.store import documents
from engine.store.keys import Key
from engine.store.session import Database

_KNOWN: Final = ("topic", "channel", "state")


class _Said(Frozen):
    topic: str
    channel: Channel
    state: Subscription


def changes_of(database: Database, document: dict[str, Any]) -> Changes:
    """Return what the document's `subscriptions` say; raise `InvalidDocument` with each mistake."""
    given = document.get("subscriptions") or []
    if not isinstance(given, list):
        _refuse([Problem(message="subscriptions: a list is needed", path=("subscriptions",))])
    with database.read() as connection:
        topics = documents.topics(connection) if given else {}
    problems: list[Problem] = []
    changes: dict[tuple[str, Channel], Subscription] = {}
    for index, one in enumerate(given):
        said = _said(one)
        fault = said if isinstance(said, str) else _fault(said, topics)
        if fault is not None:
            path = ("subscriptions", index)
            problems.append(Problem(message=f"subscriptions.{index}: {fault}", path=path))
        elif not isinstance(said, str):
            changes[said.topic, said.channel] = said.state
    if problems:
        _refuse(problems)
    return changes


def say(request: Request, customer: UUID, changes: Changes, key: Key) -> None:
    """Take note of it, for the key that said so."""
    state = request.app.state
    proof = Proof(how="api", source=key.name or f"key {key.id}")
    _, wakes = consent.say(state.database, customer, changes, proof, links=state.links)
    if state.gateway is not None:
        state.gateway.tell_soon(wakes)


def _said(one: Any) -> _Said | str:
    """Return what one entry says, or what is wrong with it."""
    if not isinstance(one, dict):
        return 'write each like {"topic": "news", "channel": "email", "state": "subscribed"}'
    try:
        # `at` and the like are read, and passed over when they are put back.
        return _Said.model_validate({name: one[name] for name in _KNOWN if name in one})
    except ValidationError as error:
        return "; ".join(f"{mistake['loc'][0]}: {mistake['msg']}" for mistake in error.errors())


def _fault(said: _Said, topics: dict[str, Topic]) -> str | None:
    if said.topic == EVERYTHING:
        return None if said.state != "pending" else "`*` cannot be pending"
    if said.topic not in topics:
        return f"there is no topic {said.topic!r}; put it to /v1/topics first"
    if said.state == "pending" and not topics[said.topic].double_opt_in:
        return f"the topic {said.topic} asks for no confirmation: nothing of it is pending"
    return None


def _refuse(problems: list[Problem]) -> NoReturn:
    raise InvalidDocument("The customer has mistakes", problems)
