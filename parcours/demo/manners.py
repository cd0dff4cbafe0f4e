"""The demonstration shop's topics and frequency caps."""

from contextlib import suppress
from typing import Final

from engine.errors import Conflict
from engine.flow import materials, topics
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.topic import Topic
from engine.store import documents
from engine.store.session import Database

TOPICS: Final = tuple(
    Topic.model_validate(document)
    for document in (
        {
            "id": "baskets",
            "name": "Basket reminders",
            "description": "When something was left in the basket.",
            "names": {"fr": "Rappels de panier"},
            "descriptions": {"fr": "Quand quelque chose est resté dans le panier."},
        },
        {
            "id": "offers",
            "name": "Offers",
            "description": "Our best prices, now and then.",
            "names": {"fr": "Offres"},
            "descriptions": {"fr": "Nos meilleurs prix, de temps en temps."},
        },
        {
            "id": "news",
            "name": "News from the shop",
            "description": "What is new on the shelves.",
            "names": {"fr": "Nouvelles du magasin"},
            "descriptions": {"fr": "Ce qui arrive en rayon."},
        },
    )
)

CAPS: Final = tuple(
    Cap.model_validate(document)
    for document in (
        {
            "id": "demo-three-a-week",
            "name": "3 a week",
            "topics": [topic.id for topic in TOPICS],
            "limit": 3,
            "per": "7d",
            "defer_at_most": "3d",
            "keep": {"slots": 1, "above_priority": 70},
        },
        {
            "id": "demo-one-on-the-phone",
            "name": "One a day on the phone",
            "channels": ["sms", "whatsapp", "push"],
            "topics": [topic.id for topic in TOPICS],
            "limit": 1,
            "per": "day",
            "on_full": "next_channel",
            "defer_at_most": "1d",
        },
    )
)
"""They are about the shop's own topics: what somebody tries beside it keeps to none of them."""


def put(database: Database) -> None:
    """Bring topics, and caps if there are none; what has the same id already is left alone."""
    with database.read() as connection:
        known, caps = documents.topics(connection), documents.caps(connection)
    for topic in TOPICS:
        if topic.id not in known:
            topics.put_topic(database, topic, actor=COMMAND_LINE)
    for cap in () if caps else CAPS:
        materials.put_cap(database, cap, actor=COMMAND_LINE)


def remove(database: Database) -> None:
    """Remove the topics and caps that are as they were brought and that no journey sends."""
    with database.read() as connection:
        known, caps = documents.topics(connection), documents.caps(connection)
    for cap in CAPS:
        if caps.get(cap.id) == cap:
            materials.delete(database, "cap", cap.id, actor=COMMAND_LINE)
    for topic in TOPICS:
        if known.get(topic.id) == topic:
            with suppress(Conflict):
                topics.delete_topic(database, topic.id, actor=COMMAND_LINE)
