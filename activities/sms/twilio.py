"""SMS over Twilio."""

from activities.transport import Found, Letter, Settling, Sought
from activities.twilio import Account, create, find, sender


class TwilioSmsTransport:
    """Hands text messages to Twilio. `from_` is a number, a name, or a messaging service's id."""

    name = "twilio"
    settling: Settling = "ask"

    def __init__(self, account: Account, from_: str) -> None:
        self._account = account
        self._from = from_

    def send(self, letter: Letter) -> str | None:
        """Send one SMS; see `Transport.send`."""
        fields = {"to": letter.to, "body": letter.body, **sender(letter.from_ or self._from)}
        return create(self._account, letter, fields)

    def find(self, sought: Sought) -> Found | None:
        """Look for the message by its recipient and its text; see `Transport.find`."""
        return find(self._account, sought.to, sought.body, sought.since)
