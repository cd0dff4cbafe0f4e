"""Twilio's messages, for the channels that go over it.

Twilio takes no idempotency key and keeps none of our data with a message. Our id travels in the
address of the callbacks; a message of unknown outcome is looked for by its recipient and its text.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from activities.outward import Answered
from activities.provider import ask, hand_over, refusal
from activities.transport import Found, Letter, OutcomeUnknownError, TransportError

UNSUBSCRIBED: Final = "unsubscribed"
"""The reason of a refusal because the customer has written STOP to this sender."""

_STOPPED: Final = 21610

_OURS: Final = frozenset({
    14107,  # too many messages from this sender
    20003, 20005, 20008, 20404, 20429,  # credentials, account, address called, pace
    21603, 21606, 21659, 21660, 21703, 21704, 21705,  # the sender, the messaging service
    21609,  # the address of our callbacks
    21611, 30001, 63018,  # a queue is full
    30002,  # the account is suspended
})  # fmt: skip
"""Codes about the account, the sender or the pace: no fault of the message."""

_STATUSES: Final = frozenset({401, 403, 404, 405, 408, 429})
"""Answers of 4xx that say the same without a code."""

_TRUNCATED: Final = timedelta(seconds=5)
"""Twilio's instants are whole seconds of its own clock."""

_LISTED: Final = 50
"""Messages to one recipient that are looked through, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose messages they are. `base_url` is for tests and regions; empty is Twilio's own.

    `hooks` is the address of our callbacks, empty for none.
    """

    sid: str
    token: str
    base_url: str = ""
    hooks: str = ""


def create(account: Account, letter: Letter, fields: Mapping[str, str]) -> str:
    """Hand over a message with these fields of Twilio's; return its id there."""
    given = dict(fields)
    if account.hooks:
        given["status_callback"] = callback(account.hooks, letter.id)
    try:
        message = _client(account, _Line(account.base_url, letter.deadline)).messages.create(
            **given
        )
    except (ValueError, KeyError, TypeError):
        # Only an answer of success is read by the library.
        raise OutcomeUnknownError("Twilio's answer cannot be read") from None
    return str(message.sid)


def sender(from_: str) -> dict[str, str]:
    """The field that names the sender: a messaging service by its id, or a number or name."""
    if from_.startswith("MG") and len(from_) == 34:
        return {"messaging_service_sid": from_}
    return {"from_": from_}


def callback(hooks: str, message: UUID) -> str:
    """The address at which Twilio tells what became of a message."""
    return f"{hooks}?message={message}"


def find(account: Account, to: str, body: str, since: datetime) -> Found | None:
    """Look for a message with this text that Twilio took at or after `since`.

    The date sent, by which Twilio could filter, is missing as long as a message is queued.
    """
    try:
        page = _client(account, _Line(account.base_url, None)).messages.page(
            to=to, page_size=_LISTED
        )
        for message in page:
            taken = message.date_created
            if taken is not None and taken < since - _TRUNCATED:
                continue
            if _same(message.body or "", body):
                return Found(provider_id=str(message.sid))
    except (ValueError, KeyError, TypeError, TwilioException, OutcomeUnknownError):
        raise TransportError("Twilio's answer cannot be read", permanent=False) from None
    return None


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()


def _client(account: Account, line: "_Line") -> Any:
    # The library looks into the environment unless it is given another one.
    nothing = {"PARCOURS": ""}
    return Client(account.sid, account.token, http_client=line, environment=nothing)


class _Line(HttpClient):  # type: ignore[misc]
    """How the library reaches Twilio: once, in time, and at another address where one is given.

    With a `deadline` a message is handed over; without, something is asked.
    """

    def __init__(self, base_url: str, deadline: float | None) -> None:
        super().__init__(logger=None, is_async=False)
        self._base_url = base_url
        self._deadline = deadline

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the library's
        allow_redirects: bool = False,  # noqa: ARG002 - the library's
    ) -> Any:
        """Send the library's request; raise what an answer without success means."""
        url = _moved(uri, self._base_url) + (f"?{urlencode(params, doseq=True)}" if params else "")
        given = {name: value for name, value in (headers or {}).items() if value is not None}
        if auth is not None:
            given["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode()
        if self._deadline is not None:
            body = urlencode(data or {}, doseq=True).encode()
            answered = hand_over(url, given, body, self._deadline)
        else:
            answered = ask(method, url, given)
        if not 200 <= answered.status < 300:
            raise _refusal(answered)
        return Response(answered.status, answered.body.decode(), dict(answered.headers))


def _moved(uri: str, base_url: str) -> str:
    if not base_url:
        return uri
    parts, base = urlsplit(uri), urlsplit(base_url)
    return urlunsplit((base.scheme, base.netloc, base.path + parts.path, parts.query, ""))


def _refusal(answered: Answered) -> TransportError | OutcomeUnknownError:
    code = _code(answered)
    if code == _STOPPED:
        return TransportError(UNSUBSCRIBED, permanent=True)
    ours = code in _OURS or answered.status in _STATUSES
    return refusal(
        "Twilio",
        answered,
        permanent=400 <= answered.status < 500 and not ours,
        code=str(code) if code else "",
    )


def _code(answered: Answered) -> int | None:
    try:
        code = json.loads(answered.body)["code"]
    except (ValueError, LookupError, TypeError):
        return None
    return code if isinstance(code, int) else None
