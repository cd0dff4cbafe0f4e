"""Gift cards as the shop's systems write them."""

from sqlalchemy import Connection

from engine.model.order import GiftCard
from engine.store import documents, gift_cards, search
from engine.store.session import Database


def put_gift_card(database: Database, card: GiftCard) -> bool:
    """Create or replace a gift card; return whether it is new."""

    def work(connection: Connection) -> bool:
        customer = search.find(connection, card.customer) if card.customer is not None else None
        currency = documents.workspace(connection).currency
        return gift_cards.put(connection, card, customer, currency)

    return database.transact(work)
