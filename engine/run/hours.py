"""The hours of the day at which a message may go out."""

from dataclasses import dataclass
from datetime import datetime

from engine.model.workspace import QuietHours
from engine.run.calendar import quiet_until


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """Open outside of the quiet hours, where the customer is."""

    zone: str
    quiet: QuietHours | None = None

    def closed(self, at: datetime) -> tuple[datetime, str] | None:
        """Return when it opens again and why it is closed, or None when it is open at `at`."""
        if self.quiet is None:
            return None
        ends = quiet_until(at, self.zone, self.quiet.from_, self.quiet.to)
        return (ends, "quiet_hours") if ends is not None else None
