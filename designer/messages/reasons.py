"""Why a message went the way it went, in words that stand after a colon."""

import re
from collections.abc import Mapping
from typing import Any, Final

from designer.canvas.sentences import readable
from designer.views import channel_name
from designer.words import N_, Words
from engine.store.drafts import Names

REASONS: Final = {
    "cap": N_("enough messages in this time"),
    "quiet_hours": N_("quiet hours"),
    "window": N_("outside the hours chosen for this message"),
    "best_hour": N_("kept for the hour at which she reads most"),
    "legal_hours": N_("outside the hours that the law allows"),
    "holiday": N_("a public holiday"),
    "throttled": N_("the provider takes no more for now"),
    "no_address": N_("no address on any of the channels"),
    "suppressed": N_("her address must not be written to any more"),
    "not_subscribed": N_("she has not subscribed"),
    "template_missing": N_("the template does not exist any more"),
    "template_error": N_("the template has a mistake"),
    "no_coupon": N_("no coupon code is left"),
    "replaced": N_("the journey went another way first"),
    "refused": N_("the provider refused it for good"),
    "expired": N_("the device takes no push messages any more"),
    "unsubscribed": N_("the provider knows that she has unsubscribed"),
    "late": N_("the provider answered late"),
    "asking": N_("the provider is being asked"),
    "unknown_sent_again": N_("the outcome stayed unknown, so it is sent again"),
    "repeated_with_key": N_(
        "the answer was lost, so it is handed over again, marked so that it is sent only once"
    ),
    "too late to hand it over": N_("there was not enough time left to hand it over"),
}
"""Other reasons are a provider's own words."""


def reason(
    words: Words,
    given: str | None,
    names: Names,
    *,
    rule: str | None = None,
    topic: str | None = None,
) -> str:
    """Say why; nothing when nothing is given. `rule` and `topic` are ids."""
    if not given:
        return ""
    if rule:
        called = words.quote(names.caps.get(rule, readable(rule)))
        return words.gettext("the rule %(rule)s is full", rule=called)
    if given == "not_subscribed" and topic:
        called = names.topics.get(topic, readable(topic))
        return words.gettext("she has not subscribed to %(topic)s", topic=words.quote(called))
    if given in REASONS:
        return words.gettext(REASONS[given])
    return readable(given) if re.fullmatch(r"[a-z_]+", given) else given


ON_THE_WAY: Final = ("moved", "missing", "no_best_hour", "sent_again", "held", "resumed")
"""What else is noted of a message, besides the changes of its state."""


def on_the_way(words: Words, what: str, data: Mapping[str, Any]) -> str:
    """Say what else befell a message."""
    _ = words.gettext
    match what:
        case "moved":
            return _(
                "by %(channel)s instead of %(other)s",
                channel=channel_name(str(data.get("to")), words),
                other=channel_name(str(data.get("from")), words),
            )
        case "missing":
            missing = [words.quote(str(name)) for name in data.get("variables") or ()]
            return _("nothing was there to fill in for %(names)s", names=words.items(missing))
        case "no_best_hour":
            return _("it is not known yet when she reads most, so it did not wait for that")
        case "held":
            return _("held back for now")
        case "resumed":
            return _("goes on")
        case _:
            return _("sent once more")
