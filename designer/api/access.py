"""Who may do what through the interface: each route asks for a permission, each role has some."""

from collections.abc import Mapping
from typing import Final, Literal

from starlette.requests import Request

from designer.api.problems import Forbidden, Unauthorized
from engine.model.actor import Actor
from engine.store.keys import Key, KeyRing, Role
from engine.store.session import Database

Permission = Literal[
    "read",
    "read customers",
    "write customers",
    "write drafts",
    "publish",
    "read changes",
    "request entries",
    "send events",
    "feed the catalogue",
    "administer",
    "serve activities",
]

_READ: Final[frozenset[Permission]] = frozenset({"read", "read customers"})
_DRAFT: Final[frozenset[Permission]] = _READ | {"write drafts"}
_PUBLISH: Final[frozenset[Permission]] = _DRAFT | {"publish", "request entries"}

PERMITTED: Final[Mapping[Role, frozenset[Permission]]] = {
    "source": frozenset({"send events", "request entries"}),
    "staff": frozenset({"read customers"}),
    "viewer": _READ,
    "marketer": _DRAFT,
    "publisher": _PUBLISH,
    "steward": _READ | {"write customers", "read changes", "feed the catalogue"},
    "administrator": _PUBLISH
    | {"write customers", "read changes", "feed the catalogue", "administer"},
    "worker": frozenset({"serve activities"}),
}
"""What is not named here is refused. A write key may be public (in a shop's page): it opens
nothing but what a page sends, and no other key can be used in its place."""


class Needs:
    """A route's dependency: lets a key pass whose role has the permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, request: Request) -> Key:
        """Return the request's key, or refuse."""
        secret = bearer(request)
        if secret is None:
            raise Unauthorized("Send an API key as `Authorization: Bearer KEY`.")
        key = find(request, secret)
        if key is None:
            raise Unauthorized("The API key is not known; it may have been revoked.")
        require(key, self.permission)
        request.state.key = key
        return key


def actor(request: Request) -> Actor:
    """Return for whom a change is recorded: the key that the route has let pass."""
    key: Key = request.state.key
    return Actor(str(key.id), key.name or f"key {key.id}")


def require(key: Key, permission: Permission) -> None:
    """Refuse a key whose role lacks the permission."""
    if permission not in PERMITTED[key.role]:
        roles = ", ".join(role for role in PERMITTED if permission in PERMITTED[role])
        raise Forbidden(
            f"A key of the role {key.role} may not {permission}; this takes one of: {roles}."
        )


def bearer(request: Request) -> str | None:
    """Return the secret that the request carries as a bearer token."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def remembered(request: Request, secret: str) -> Key | None:
    """Return the key with this secret if it was found a moment ago; never waits."""
    ring: KeyRing = request.app.state.keys
    return ring.remembered(secret)


def find(request: Request, secret: str) -> Key | None:
    """Return the key with this secret; may ask the database."""
    ring: KeyRing = request.app.state.keys
    database: Database = request.app.state.database
    return ring.find(database, secret)
