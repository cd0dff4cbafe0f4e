"""A frequency cap in a sentence."""

from collections.abc import Callable
from typing import Final

from designer.canvas.sentences import Sentences, readable
from designer.views import channel_name
from designer.words import N_, NN_, Words
from engine.model.cap import Cap
from engine.model.duration import Duration
from engine.store.drafts import Names

_AT_MOST: Final = {
    "email": NN_("At most %(n)s email", "At most %(n)s emails"),
    "sms": NN_("At most %(n)s SMS", "At most %(n)s SMS"),
    "whatsapp": NN_("At most %(n)s WhatsApp message", "At most %(n)s WhatsApp messages"),
    "push": NN_("At most %(n)s push message", "At most %(n)s push messages"),
    "": NN_("At most %(n)s message", "At most %(n)s messages"),
}
_CALENDAR: Final = {
    "day": N_("in a day"),
    "week": N_("in a week from Monday to Sunday"),
    "month": N_("in a month of the calendar"),
}


def rule_sentence(cap: Cap, names: Names, words: Words) -> str:
    """Say what a rule allows, what it keeps, and what becomes of a message that finds it full."""
    parts = [_allows(cap, names, words)]
    if cap.keep is not None:
        parts.append(
            words.ngettext(
                "%(n)s of them kept for journeys above priority %(priority)s",
                "%(n)s of them kept for journeys above priority %(priority)s",
                cap.keep.slots,
                priority=words.number(cap.keep.above_priority),
            )
        )
    parts.append(_when_full(cap, Sentences(words).duration, words))
    return words.gettext("; ").join(parts) + "."


def _allows(cap: Cap, names: Names, words: Words) -> str:
    _ = words.gettext
    alone = cap.channels[0] if len(cap.channels) == 1 else ""
    one, many = _AT_MOST[alone]
    parts = [words.ngettext(one, many, cap.limit)]
    if len(cap.channels) > 1:
        channels = [channel_name(channel, words) for channel in cap.channels]
        parts.append(_("by %(channels)s together", channels=words.items(channels)))
    if cap.topics:
        topics = [words.quote(names.topics.get(one, readable(one))) for one in cap.topics]
        parts.append(_("about %(topics)s", topics=words.items(topics, style="or")))
    if cap.offers:
        offers = [words.quote(readable(one)) for one in cap.offers]
        parts.append(_("with the offer %(offers)s", offers=words.items(offers, style="or")))
    if isinstance(cap.per, Duration):
        parts.append(_("in any %(time)s", time=Sentences(words).duration(cap.per)))
    else:
        parts.append(_(_CALENDAR[cap.per]))
    return " ".join(parts)


def _when_full(cap: Cap, duration: Callable[[Duration], str], words: Words) -> str:
    _ = words.gettext
    wait = duration(cap.defer_at_most) if cap.defer_at_most is not None else ""
    match cap.on_full:
        case "skip":
            return _("when full: not sent")
        case "next_channel" if wait:
            return _("when full: on the step's next channel, else wait up to %(time)s", time=wait)
        case "next_channel":
            return _("when full: on the step's next channel, else wait")
        case _ if wait:
            return _("when full: wait up to %(time)s, then leave it out", time=wait)
        case _:
            return _("when full: wait until there is room")
