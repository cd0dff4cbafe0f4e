"""A sending step's message as a customer would get it, each of its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from activities.rendering import TemplateError, render
from designer.content import previews
from designer.content.forms import Fault
from designer.content.previews import Person, Preview
from designer.words import N_, Words
from engine.compile.sending import ENVELOPE
from engine.errors import InvalidInput, NotFound
from engine.flow.prepare import worded
from engine.model.snippet import bodies
from engine.model.template import Content, Template
from engine.model.workspace import Workspace
from engine.run import sms
from engine.store import snippets, templates
from engine.store.documents import workspace

Document = Mapping[str, Any]

_PARTS: Final = {
    "subject": N_("the subject"),
    "preheader": N_("the preview text"),
    "body": N_("the body of the template"),
    "text": N_("the template's text part"),
    "link": N_("the template's link"),
    "image": N_("the template's image"),
    "fields": N_("the template's fields"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """For whom a message is shown (nobody named: the newest customer), and in which language.

    `opening` are the events that open the journey, and `nonce` lets an email's styles hold.
    """

    customer: str
    locale: str
    opening: Sequence[str]
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a message; `fault` says in a sentence why it cannot be shown."""

    id: str
    preview: Preview | None = None
    preheader: str = ""
    fault: str = ""


def versions(
    connection: Connection, step: Document, asked: Asked, words: Words
) -> tuple[Person | None, list[Version]]:
    """Return who gets a step's message, and what she gets: one for each of its variants."""
    if asked.customer:
        try:
            UUID(asked.customer)
        except ValueError:
            raise InvalidInput("That is no customer.") from None
    who = previews.person(connection, asked.customer, asked.opening, words)
    maker = _Maker(connection, step, who, asked, words)
    variants = step.get("variants") or [{"id": "", "set": {}}]
    return who, [maker.version(one["id"], one.get("set", {})) for one in variants]


class _Maker:
    """Makes the versions of one message, for one customer."""

    def __init__(
        self,
        connection: Connection,
        step: Document,
        who: Person | None,
        asked: Asked,
        words: Words,
    ) -> None:
        self._connection = connection
        self._step = step
        self._who = who
        self._asked = asked
        self._words = words
        self._shop: Workspace = workspace(connection)
        own = who.locale if who is not None else None
        self._locale = asked.locale or own or self._shop.locale
        self._pieces = bodies(snippets.every(connection), self._locale, self._shop.locale)

    def version(self, id_: str, own: Document) -> Version:
        """Return the message with what a variant sets."""
        _ = self._words.gettext
        name = str(own.get("template") or self._step.get("template") or "")
        if not name:
            return Version(id=id_, fault=_("Choose a template to see the message here."))
        try:
            template = templates.one(self._connection, name).template
        except NotFound:
            return Version(id=id_, fault=_("There is no template %(name)s.", name=name))
        content = template.content(self._locale, self._shop.locale)
        content = worded(content, own, self._step.get("subject"), self._step.get("preheader"))
        values = self._values(content, own)
        shown = previews.preview(content, template.channel, values, self._pieces, self._asked.nonce)
        if shown.fault is not None:
            return Version(id=id_, fault=self._said(shown.fault))
        return Version(
            id=id_,
            preview=self._stoppable(template, shown),
            preheader=self._preheader(content, values),
        )

    def _values(self, content: Content, own: Document) -> dict[str, Any]:
        shop = self._shop
        about = {"name": shop.name, "currency": shop.currency, "locale": shop.locale}
        known = previews.variables(content, self._pieces, self._who, about)
        return known | {key: value for key, value in own.items() if key not in ENVELOPE}

    def _preheader(self, content: Content, values: Mapping[str, Any]) -> str:
        if not content.preheader:
            return ""
        line = Content(subject=content.preheader, body="")
        try:
            return render(line, "email", values, self._pieces).subject or ""
        except TemplateError:  # a message without tags shows no preheader, and does not render it
            return ""

    def _stoppable(self, template: Template, shown: Preview) -> Preview:
        """Return a text message with the words that tell how to stop, where it gets them."""
        if shown.text is None or template.channel != "sms":
            return shown
        if self._step.get("class") == "transactional":
            return shown
        stop = sms.stop_wording(self._locale, self._shop.sms_stop)
        body = sms.with_stop(shown.text.body, stop)
        text = replace(shown.text, body=body)
        return replace(shown, text=text, segments=sms.segments(body))

    def _said(self, fault: Fault) -> str:
        _ = self._words.gettext
        part = _(_PARTS.get(fault.field, N_("the template")))
        if fault.line:
            return _(
                "There is a mistake in %(part)s, line %(line)s: %(reason)s.",
                part=part, line=fault.line, reason=fault.message,
            )  # fmt: skip
        return _("There is a mistake in %(part)s: %(reason)s.", part=part, reason=fault.message)
