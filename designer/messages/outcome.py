"""What became of a message, and what it led to, in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from designer.messages.reasons import on_the_way, reason
from designer.views import Mark, message_mark
from designer.words import N_, Words
from engine.store.drafts import Names

LED_TO: Final = {
    "delivered_at": (N_("Delivered"), N_("delivered"), "inbox"),
    "opened_at": (N_("Opened"), N_("opened"), "eye"),
    "clicked_at": (N_("Clicked"), N_("clicked"), "target"),
    "replied_at": (N_("Answered"), N_("answered"), "message-square"),
    "bounced_at": (N_("Came back"), N_("came back"), "circle-alert"),
    "complained_at": (N_("Called spam"), N_("called spam"), "circle-alert"),
    "unsubscribed_at": (N_("Unsubscribed"), N_("made her unsubscribe"), "ban"),
}
"""By the ledger's columns: as a title, in a sentence, and the icon."""

_ICONS: Final = {"moved": "shuffle", "missing": "triangle-alert"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a message's story."""

    at: datetime
    icon: str
    text: str
    why: str


class Outcomes:
    """Tells messages to one reader at one instant."""

    def __init__(self, words: Words, names: Names, now: datetime) -> None:
        self._words = words
        self._names = names
        self._now = now

    def sentence(self, message: Mapping[str, Any]) -> str:
        """Say what became of a message of the ledger, and why."""
        _ = self._words.gettext
        why = self.why(message, message)
        match message["state"]:
            case "deferred":
                until = message["deferred_until"]
                if until is None or until <= self._now:
                    return _("Is about to be sent, after it was put off: %(why)s", why=why)
                return _("Waits until %(time)s: %(why)s", time=self.soon(until), why=why)
            case "sent":
                return self._sent(message)
            case "skipped":
                return _("Not sent: %(why)s", why=why) if why else _("Not sent")
            case "failed":
                return _("Refused: %(why)s", why=why) if why else _("Refused by the provider")
            case "unknown" if message["reason"] == "asking":
                return _("Nobody knows yet whether it arrived: the provider is being asked")
            case "unknown" if message["class"] == "transactional":
                return _(
                    "Nobody knows whether it arrived: the last answer of the provider was lost"
                )
            case "unknown":
                return _(
                    "Nobody knows whether it arrived: the provider's answer was lost, and so that "
                    "nobody gets it twice it is not sent again"
                )
            case "claimed":
                return _("Is being handed over")
            case _:
                return _("Is being prepared: %(why)s", why=why) if why else _("Is being prepared")

    def _sent(self, message: Mapping[str, Any]) -> str:
        words = self._words
        led = [words.gettext(said) for column, (_, said, _) in LED_TO.items() if message[column]]
        if message["reason"] == "late":
            led.insert(0, words.gettext("as was known only later"))
        if not led:
            return words.gettext("Sent")
        return words.gettext("Sent; %(what)s", what=words.items(led))

    def why(self, change: Mapping[str, Any], message: Mapping[str, Any]) -> str:
        """Say why a change of a message's state came about."""
        return reason(
            self._words,
            change["reason"],
            self._names,
            rule=change["rule"],
            topic=message["topic"],
        )

    def soon(self, at: datetime) -> str:
        """Write an instant of the next days: tomorrow 9:12."""
        words = self._words
        day, today = words.local(at).date(), words.local(self._now).date()
        if day == today:
            return words.time(at)
        if day == today + timedelta(days=1):
            return words.gettext("tomorrow %(time)s", time=words.time(at))
        return words.moment(at)

    def story(self, message: Mapping[str, Any], traced: list[dict[str, Any]]) -> list[Happening]:
        """Tell a message's changes, what else befell it and what it led to, in order."""
        words = self._words
        # A move is among the changes of state too, where it changes none.
        moves = {entry["at"] for entry in traced if entry["what"] == "moved"}
        happenings = [
            self._changed(change, message, n)
            for n, change in enumerate(message["transitions"])
            if change["from"] != change["to"] or change["at"] not in moves
        ]
        for entry in traced:
            text = on_the_way(words, entry["what"], entry["data"])
            why = reason(
                words, entry["data"].get("reason"), self._names,
                rule=entry["data"].get("rule"), topic=message["topic"],
            )  # fmt: skip
            icon = _ICONS.get(entry["what"], "info")
            happenings.append(Happening(entry["at"], icon, text[:1].upper() + text[1:], why))
        happenings += [
            Happening(message[column], icon, words.gettext(title), "")
            for column, (title, _, icon) in LED_TO.items()
            if message[column]
        ]
        return sorted(happenings, key=lambda one: one.at)

    def _changed(self, change: Mapping[str, Any], message: Mapping[str, Any], n: int) -> Happening:
        _ = self._words.gettext
        mark = message_mark(change["to"], self._words)
        text = mark.text
        match change["to"]:
            case "decided" if n == 0:
                text = _("The journey decided to send it")
            case "decided":
                text = _("To be sent again")
            case "claimed":
                text = _("Nothing stood against it: handed over to the provider")
            case "sent":
                text = _("The provider has taken it")
            case "unknown":
                text = _("The provider's answer was lost")
            case _:
                pass
        return Happening(change["at"], mark.icon or "info", text, self.why(change, message))


def mark_of(message: Mapping[str, Any], words: Words) -> Mark:
    """Return the badge of a message; one that came back is marked so."""
    if message["state"] == "sent":
        for column in ("bounced_at", "complained_at"):
            if message[column]:
                title, _, icon = LED_TO[column]
                return Mark(words.gettext(title), "bad", icon)
    return message_mark(message["state"], words)
