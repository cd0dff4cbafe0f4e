"""Conditions asked of all customers at once, in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Select, cast, literal, null, select

from engine.model.condition import AnyCondition
from engine.store import tables
from engine.store.catalogue import Catalogue


def everybody(condition: AnyCondition, *, now: datetime, shop: Catalogue) -> Select[Any]:
    """Return (customer_id, seq, inside, next_change_at) of every customer.

    A `seq` of -1 says that she has to be asked one by one.
    """
    customer = tables.customer.c
    return select(
        customer.id.label("customer_id"),
        literal(-1).label("seq"),
        literal(value=True).label("inside"),
        cast(null(), DateTime(timezone=True)).label("next_change_at"),
    ).where(customer.merged_into.is_(None))
