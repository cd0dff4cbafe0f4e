"""What the transports over HTTP share: one request a message, and what its fate means.

A connection is never kept for the next message: one that the provider has meanwhile closed takes
the request and then breaks, and nobody would know whether the message went out.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from activities.outward import Answered, NotAllowed, NotAnswered, NotReached, call
from activities.transport import OutcomeUnknownError, TransportError, clock
from engine.names import TRANSPORT_TIMEOUT

_LIMIT: Final = TRANSPORT_TIMEOUT.total_seconds() - 1
"""Seconds for a whole request; what remains of the lease is for recording the answer."""

_ASKING: Final = 4.0
"""Seconds for a question, such as the search for a message or a token."""

_LONGEST: Final = 3600.0
"""Seconds: a provider that asks for more patience is tried again after an hour all the same."""

_BETWEEN: Final = frozenset({502, 504})
"""Answers of a gateway: what stands behind it may have taken the message."""

_NUMBER: Final = re.compile(r"\d{1,9}(\.\d{1,9})?")


def hand_over(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    deadline: float,
    *,
    allow_private: bool = True,
) -> Answered:
    """POST a message, beginning before `deadline` (by `clock`); return any answer.

    `allow_private` is off where the address was not written by the operator.
    Raises `TransportError` when nothing was sent, `OutcomeUnknownError` when nothing was answered.
    """

    def ready() -> None:
        if clock() > deadline:
            raise TransportError("too late to hand it over", permanent=False)

    ready()
    try:
        return call(
            "POST", url, headers, body, _LIMIT, allow_private=allow_private, ready=ready
        )  # fmt: skip
    except NotAllowed as error:
        raise TransportError(str(error), permanent=True) from None
    except NotReached as error:
        raise TransportError(str(error), permanent=False) from None
    except NotAnswered as error:
        raise OutcomeUnknownError(str(error)) from None


def ask(
    method: str, url: str, headers: Mapping[str, str], body: bytes = b"", seconds: float = _ASKING
) -> Answered:
    """Ask a provider something that changes nothing; raise `TransportError` without an answer."""
    try:
        return call(method, url, headers, body, seconds, allow_private=True)
    except (NotAllowed, NotReached, NotAnswered) as error:
        raise TransportError(str(error), permanent=False) from None


def refusal(
    who: str, answered: Answered, *, permanent: bool, code: str = ""
) -> TransportError | OutcomeUnknownError:
    """What an answer without success means; `code` is the provider's own name for it."""
    reason = f"{who} answered {answered.status}" + (f" {code}" if code else "")
    if answered.status in _BETWEEN:
        return OutcomeUnknownError(reason)
    return TransportError(
        reason, permanent=permanent, retry_after=patience(answered.headers, datetime.now(UTC))
    )


def patience(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds for which a provider asks us to wait; the names of `headers` are in lower case.

    `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), else `X-RateLimit-Reset`, which is in
    seconds since 1970.
    """
    given = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(given):
        return min(float(given), _LONGEST)
    if given:
        try:
            until = parsedate_to_datetime(given)
        except ValueError:
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return _bounded((until - now).total_seconds())
    reset = headers.get("x-ratelimit-reset", "").strip()
    return _bounded(float(reset) - now.timestamp()) if reset.isascii() and reset.isdigit() else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST)
