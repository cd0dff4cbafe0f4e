"""Composing a message: its template rendered, with the links, codes and words that belong to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from temporalio import activity

from activities.content.links import Tracker, rewrite
from activities.rendering import TemplateError, Text, render
from activities.transport import Settling
from engine.compile.content import pools
from engine.flow.claim import Rendered
from engine.flow.coupons import codes_for
from engine.flow.prepare import Draft
from engine.run.links import Links
from engine.run.sms import cost, segments, stop_wording, with_stop
from engine.store.session import Database

_SEGMENTED: Final = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A message as the claim and the transport want it; `text` is None when it cannot be made."""

    rendered: Rendered
    text: Text | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Composer:
    """Makes messages; `links` and `tracker` make the addresses of our own pages."""

    def __init__(self, database: Database, links: Links, tracker: Tracker) -> None:
        self._database = database
        self._links = links
        self._tracker = tracker

    def compose(self, draft: Draft, settling: Settling) -> Composed:
        """Return the message, or what is wrong with it."""
        if draft.content is None:
            return _wrong(draft, "template_missing")
        own = self._links.variables(draft.customer, draft.id, draft.topic, draft.channel)
        variables = {**draft.variables, **own}
        if wanted := pools(draft.content, dict(draft.snippets)):
            today = datetime.now(UTC).astimezone(ZoneInfo(draft.shop.time_zone)).date()
            codes = codes_for(self._database, wanted, draft.id, draft.customer, today=today)
            if codes is None:
                return _wrong(draft, "no_coupon")
            variables["coupon"] = codes
        try:
            text = render(draft.content, draft.channel, variables, draft.snippets)
        except TemplateError as error:
            activity.logger.warning("A template cannot be rendered: %s", error)
            return _wrong(draft, "template_error")
        return self._finished(draft, text, settling)

    def _finished(self, draft: Draft, text: Text, settling: Settling) -> Composed:
        headers: dict[str, str] = {}
        marketing = draft.class_ == "marketing"
        if draft.channel == "email":
            if draft.shop.track_links and text.text is not None:
                text = replace(text, body=rewrite(text.body, draft.id, self._tracker.sign))
            if marketing and draft.topic is not None:
                headers = self._links.headers(draft.customer, draft.id, draft.topic, draft.channel)
        elif draft.channel == _SEGMENTED and marketing:
            stop = stop_wording(draft.locale, draft.shop.sms_stop)
            text = replace(text, body=with_stop(text.body, stop))
        rendered = Rendered(
            to=draft.to,
            subject=text.subject,
            body=text.body,
            text=text.text,
            settling=settling,
            best_hour=draft.best_hour,
            missing=text.missing,
        )
        if draft.channel == _SEGMENTED:
            count = segments(text.body).count
            rendered = replace(rendered, segments=count, cost=cost(count, draft.shop.sms_cost))
        return Composed(rendered=rendered, text=text, headers=headers)


def _wrong(draft: Draft, problem: str) -> Composed:
    return Composed(rendered=Rendered(to=draft.to, problem=problem))
