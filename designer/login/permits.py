"""What a page asks of its reader. The gate reads it before the page is asked for anything.

Each route of a page names it: `dependencies=[Depends(May("publish"))]`, on the route or on its
router. Where both do, both have to be satisfied. A route that names nothing is closed to all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from designer.api.access import PERMITTED, Permission
from engine.store.keys import Role


@dataclass(frozen=True, slots=True)
class May:
    """A permission that a route asks for; None: it is enough to be logged in."""

    permission: Permission | None

    async def __call__(self) -> None:
        """Do nothing: the gate has asked already, before the request came this far.

        Not a plain function: for each of those FastAPI would go to a thread and back.
        """


@dataclass(frozen=True, slots=True)
class Streamed:
    """A route that reads its request itself, as it comes: a file of any size.

    Its form token comes in a header, since the gate does not read the body.
    """

    async def __call__(self) -> None:
        """Do nothing: see `May`."""


STREAMED: Final = Depends(Streamed())
LOGGED_IN: Final = Depends(May(None))
READ: Final = Depends(May("read"))
READ_CUSTOMERS: Final = Depends(May("read customers"))
WRITE_CUSTOMERS: Final = Depends(May("write customers"))
WRITE_DRAFTS: Final = Depends(May("write drafts"))
PUBLISH: Final = Depends(May("publish"))
READ_CHANGES: Final = Depends(May("read changes"))
ADMINISTER: Final = Depends(May("administer"))


@dataclass(frozen=True, slots=True)
class Door:
    """A route, and what it asks for; nothing at all means that it stays closed."""

    route: APIRoute
    asks: tuple[May, ...]
    streamed: bool = False

    def opens_to(self, role: Role) -> bool:
        """Whether somebody of this role may pass."""
        permitted = PERMITTED[role]
        return bool(self.asks) and all(
            may.permission is None or may.permission in permitted for may in self.asks
        )


class Doors:
    """All routes of the pages, in the order in which they are tried."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._doors = tuple(_door(route) for route in routes)

    def at(self, scope: Scope) -> tuple[Door | None, bool]:
        """Return the route of a request, if there is one; else whether another method has one."""
        other = False
        for door in self._doors:
            match, _ = door.route.matches(scope)
            if match is Match.FULL:
                return door, True
            other = other or match is Match.PARTIAL
        return None, other


def permits(role: Role | None, permission: Permission) -> bool:
    """Whether a role (None: nobody's) has a permission."""
    return role is not None and permission in PERMITTED[role]


def _door(route: BaseRoute) -> Door:
    if not isinstance(route, APIRoute):
        raise TypeError(f"{route!r} is no plain route of a page")
    calls: Sequence[object] = [one.call for one in route.dependant.dependencies]
    streamed = any(isinstance(call, Streamed) for call in calls)
    return Door(route, tuple(call for call in calls if isinstance(call, May)), streamed)
