"""What Prometheus may count."""

from typing import Final

from prometheus_client import Counter

EVENTS: Final = Counter("parcours_events_received_total", "Events that were answered with success")
