"""Developers' own activities: declared, found, carried out."""

from activities.custom.declaring import (
    Activity,
    Call,
    Customer,
    GiveUp,
    activity,
)

__all__ = ["Activity", "Call", "Customer", "GiveUp", "activity"]
