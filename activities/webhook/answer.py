"""What an answer means for the run: done, failed for good, or to be tried again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from activities.outward import Answered
from activities.provider import patience
from engine.flow.call import Result

KEPT: Final = 4_000
"""Characters that one kept part may take as JSON: it is carried along by the run."""

_FOR_NOW: Final = frozenset({408, 425, 429})
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """It did not go well this time; `retry_after` is in seconds, when the other side says so."""

    reason: str
    detail: str | None = None
    status: int | None = None
    retry_after: float | None = None

    @property
    def given_up(self) -> Result:
        """What becomes of the call when it is not tried again."""
        return Result(outcome="failed", reason=self.reason, detail=self.detail, status=self.status)


def judge(answered: Answered, keep: Mapping[str, str], now: datetime) -> Result | Again:
    """Return what an answer means. A part that is not there is told, and changes nothing else."""
    status = answered.status
    if 200 <= status < 300:
        kept = _parts(answered, keep) if keep else {}
        missing = tuple(name for name in keep if name not in kept)
        return Result(outcome="done", status=status, kept=kept, missing=missing)
    if status >= 500 or status in _FOR_NOW:
        after = patience(answered.headers, now)
        return Again(reason="busy", status=status, retry_after=after)
    reason = "redirected" if 300 <= status < 400 else "refused"
    return Result(outcome="failed", status=status, reason=reason)


def _parts(answered: Answered, keep: Mapping[str, str]) -> dict[str, Any]:
    try:
        document = json.loads(answered.body) if answered.whole else None
    except (ValueError, RecursionError):
        return {}
    found = {name: _part(document, path) for name, path in keep.items()}
    return {name: value for name, value in found.items() if _fits(value)}


def _part(document: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _NOTHING
    return document


def _fits(value: Any) -> bool:
    """Whether a part is there, and can be stored: no NUL, which PostgreSQL's JSON refuses."""
    if value is _NOTHING or value is None:
        return False
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return len(text) <= KEPT and "\\u0000" not in text and not _half(value)


def _half(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return True
    return False
