"""Topics, what customers agree to get: changed and deleted without breaking what is live."""

from sqlalchemy import Connection, select

from engine.compile.mentions import CONSENT
from engine.errors import Conflict, said
from engine.flow.audited import audited
from engine.flow.publish import topics_of
from engine.model.actor import Actor
from engine.model.document import journey_of
from engine.model.journey import Journey
from engine.model.topic import Topic
from engine.store import documents, memberships, tables
from engine.store.session import Database


def put_topic(database: Database, topic: Topic, *, actor: Actor) -> bool:
    """Create or replace a topic; return whether it is new.

    What customers have said about it stays; its default holds for all the others at once.
    """

    def work(connection: Connection) -> bool:
        was = documents.topics(connection).get(topic.id)
        with audited(connection, actor, "save", "topic", topic.id):
            new = documents.put_topic(connection, topic)
        if was is None or was.default != topic.default:
            memberships.build_mentioning(connection, {CONSENT})
        return new

    return database.transact(work)


def delete_topic(database: Database, topic: str, *, actor: Actor) -> None:
    """Delete a topic that no published journey sends; the record of consent is kept."""

    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        for journey in _published(connection):
            if topic in topics_of(journey):
                raise Conflict(
                    said(
                        "The published journey %(id)s sends messages of the topic %(topic)s: give them another topic first.",
                        id=journey.id,
                        topic=topic,
                    )
                )
        with audited(connection, actor, "delete", "topic", topic):
            documents.delete_document(connection, "topic", topic)

    database.transact(work)


def _published(connection: Connection) -> list[Journey]:
    versions, journeys = tables.journey_version.c, tables.journey.c
    live = connection.execute(
        select(versions.document).where(
            versions.journey_id == journeys.id,
            versions.version == journeys.live_version,
            journeys.state.in_(("live", "paused")),
        )
    )
    return [journey_of(document) for document in live.scalars()]
