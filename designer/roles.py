"""What roles are called, and what each is for."""

from dataclasses import dataclass
from typing import Final

from designer.words import N_, Words
from engine.store.keys import Role

_ROLES: Final[dict[Role, tuple[str, str]]] = {
    "viewer": (N_("Viewer"), N_("sees everything, customers too, and changes nothing")),
    "staff": (N_("Staff"), N_("looks up customers, and sees nothing else")),
    "marketer": (N_("Marketer"), N_("writes drafts and templates, and sends tests")),
    "publisher": (
        N_("Publisher"),
        N_("publishes and pauses too, and decides on caps, topics and coupons"),
    ),
    "steward": (
        N_("Data steward"),
        N_("sees everything and the record of changes; keys of this role may change customers"),
    ),
    "administrator": (N_("Administrator"), N_("may do everything, settings and people too")),
    "worker": (N_("Worker"), N_("carries out activities that your developers wrote")),
    "source": (N_("Source"), N_("only sends events: for your shop's pages and systems")),
}


@dataclass(frozen=True, slots=True)
class RoleName:
    """A role in the reader's words."""

    id: Role
    name: str
    what: str


def role_name(role: Role, words: Words) -> RoleName:
    """Name a role."""
    name, what = _ROLES[role]
    return RoleName(role, words.gettext(name), words.gettext(what))
