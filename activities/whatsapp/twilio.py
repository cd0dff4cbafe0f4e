"""WhatsApp over Twilio."""

import json

from activities.transport import Found, Letter, Settling, Sought
from activities.twilio import Account, create, find, sender


class TwilioWhatsAppTransport:
    """Hands WhatsApp messages to Twilio. `from_` is a number or a messaging service's id.

    Outside the day after a customer's own message, WhatsApp takes approved templates alone.
    """

    name = "twilio"
    settling: Settling = "ask"

    def __init__(self, account: Account, from_: str) -> None:
        self._account = account
        self._from = from_

    def send(self, letter: Letter) -> str | None:
        """Send one message; see `Transport.send`."""
        named = sender(letter.from_ or self._from)
        if "from_" in named:
            named["from_"] = _address(named["from_"])
        fields = {"to": _address(letter.to), **named}
        if letter.approved is None:
            fields["body"] = letter.body
        else:
            fields["content_sid"] = letter.approved
            fields["content_variables"] = json.dumps(dict(letter.fields))
        return create(self._account, letter, fields)

    def find(self, sought: Sought) -> Found | None:
        """Look for the message by its recipient and its text; see `Transport.find`."""
        return find(self._account, _address(sought.to), sought.body, sought.since)


def _address(number: str) -> str:
    return number if number.startswith("whatsapp:") else f"whatsapp:{number}"
