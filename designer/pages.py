"""Rendering: one Jinja environment a language, and what every page needs to know."""

import time
from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse

from designer.api.access import Permission
from designer.assets import asset
from designer.demo.switch import SETTING
from designer.login.permits import permits
from designer.login.sessions import Sessions
from designer.words import LANGUAGES, Shop, Words, negotiate
from engine.errors import ParcoursError
from engine.model.actor import OPERATOR, Actor
from engine.model.workspace import Workspace
from engine.store import tables
from engine.store.session import Database
from engine.store.sessions import Login

THEMES: Final = ("light", "dark")
_PIECES: Final = 4096
"""Cards of steps that are remembered as they were rendered: those of some twenty long journeys."""
_SHOP_LIFE: Final = 5.0
"""Seconds for which the workspace's settings are remembered."""


class Pages:
    """Renders templates for a request, in its reader's language."""

    def __init__(self, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.globals.update(asset=asset, languages=LANGUAGES, query=_query)
        self._environment.globals["piece"] = lru_cache(maxsize=_PIECES)(self._piece)
        self._environment.policies["ext.i18n.trimmed"] = True
        self._shop = Shop()
        self._shop_until = 0.0

    def shop(self) -> Shop:
        """Return the workspace's settings, some seconds old at most."""
        now = time.monotonic()
        if now >= self._shop_until:
            try:
                with self._database.read() as connection:
                    row = connection.execute(select(tables.workspace.c.settings)).scalar()
            except ParcoursError:  # a page that says so can still be shown
                return self._shop
            self._shop = _shop(row or {})
            self._shop_until = now + _SHOP_LIFE
        return self._shop

    def forget_shop(self) -> None:
        """Read the workspace's settings anew next time."""
        self._shop_until = 0.0

    def words(self, request: Request, *, shop: bool = True) -> Words:
        """Return the reader's language."""
        accepted = request.headers.get("Accept-Language", "")
        session: Login | None = getattr(request.state, "session", None)
        chosen = (session.language if session else None) or request.cookies.get("lang")
        language = negotiate(chosen, accepted)
        return Words(language, accepted=accepted, shop=self.shop() if shop else self._shop)

    def _piece(
        self,
        template: str,
        card: Hashable,
        chosen: bool,
        editing: bool,
        mark: Hashable,
        behind: str,
    ) -> Markup:
        """Render what is said of one card alone, and remember it."""
        values = {
            "card": card, "chosen": chosen, "editing": editing, "mark": mark, "behind": behind
        }  # fmt: skip
        rendered = self._environment.get_template(template).render(values)
        return Markup(rendered.strip())  # noqa: S704 - rendered by a template that escapes

    def render(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Answer with a page."""
        return HTMLResponse(self.text(request, template, **values), status)

    def text(self, request: Request, template: str, **values: Any) -> str:
        """Return a template, rendered."""
        words = values.pop("words", None) or self.words(request)
        theme = request.cookies.get("theme")
        session: Login | None = getattr(request.state, "session", None)
        role = session.role if session else None
        common: Mapping[str, Any] = {
            "words": words,
            "gettext": words.gettext,  # what the extension's `_` looks for
            "ngettext": words.ngettext,
            "theme": theme if theme in THEMES else "",
            "session": session,
            "may": partial(permits, role),
            "csrf": self._sessions.form_token(session) if session else "",
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "path": request.url.path,
            "now": datetime.now(UTC),
        }
        return self._environment.get_template(template).render({**common, **values})


def _shop(settings: Mapping[str, Any]) -> Shop:
    known = {key: value for key, value in settings.items() if key in Workspace.model_fields}
    try:
        workspace = Workspace.model_validate(known)
    except ValueError:
        workspace = Workspace()
    shop = Shop(name=workspace.name, zone=workspace.time_zone, currency=workspace.currency)
    visits = settings.get(SETTING)  # there only in the demonstration shop
    return replace(shop, demo=visits is not None, demo_visits=bool(visits))


def _query(**values: object) -> str:
    """Return a query string of the values that are set: `?q=anna&state=live`, or nothing."""
    given = {key: str(value) for key, value in values.items() if value not in {None, ""}}
    return f"?{urlencode(given)}" if given else ""


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]
"""The form that a page has sent."""


def pages(request: Request) -> Pages:
    """Return the application's renderer."""
    found: Pages = request.app.state.pages
    return found


def database(request: Request) -> Database:
    """Return the application's database."""
    found: Database = request.app.state.database
    return found


def reader(request: Request) -> Login:
    """Return who looks at a page, which the gate has let pass."""
    found: Login = request.state.session
    return found


def may(request: Request, permission: Permission) -> bool:
    """Whether the page's reader may do this."""
    return permits(reader(request).role, permission)


def actor(request: Request) -> Actor:
    """Return for whom a change is recorded."""
    login = reader(request)
    return OPERATOR if login.user is None else Actor(str(login.user), login.name)
