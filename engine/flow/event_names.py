"""How events are called whose sender gives no name; the conventions are Segment's."""

from typing import Final, Literal

Kind = Literal["track", "identify", "page", "screen", "alias", "group"]

NAME_OF: Final[dict[Kind, str]] = {
    "identify": "Customer Identified",
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "alias": "Customer Aliased",
    "group": "Group Joined",
}
"""The name of each kind of call but `track`, which brings its own."""

ENTRY_REQUESTED: Final = "Entry Requested"
"""The event that an entry by API is stored as."""
