"""Activities: what journeys have done. For developers' own: `from activities import activity`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from activities.custom import Call, Customer, GiveUp, activity

__all__ = ["Call", "Customer", "GiveUp", "activity"]


def __getattr__(name: str) -> Any:
    # Workflows import from this package too, and none of what stands behind these names.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from activities import custom

    return getattr(custom, name)
