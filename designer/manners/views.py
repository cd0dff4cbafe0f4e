"""What the page of caps and manners shows besides its forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from designer.canvas.sentences import readable
from designer.messages.reasons import REASONS
from designer.words import Words
from engine.store.drafts import Names
from engine.store.manners import Stopped

_MOST: Final = 10
"""From so many messages on, customers are counted together."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many customers got so many messages; `height` is in percent of the chart's.

    One that is `cut` is higher than the chart.
    """

    messages: str
    customers: str
    share: str
    height: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """How many messages customers got."""

    bars: list[Bar]
    customers: int
    reached: str
    mean: str
    most: str


def gauge(received: Mapping[int, int], words: Words) -> Gauge:
    """Return the chart of how many customers got how many messages.

    Most get none in most weeks: their bar does not make the others too small to see.
    """
    total = sum(received.values())
    top = min(max(received, default=0), _MOST)
    counts = [received.get(n, 0) for n in range(top + 1)]
    if top == _MOST:
        counts[_MOST] = sum(customers for n, customers in received.items() if n >= _MOST)
    highest = max(counts[1:], default=0) or max(counts, default=0)
    bars = [
        Bar(
            messages=words.gettext("%(n)s or more", n=n) if n == _MOST else words.number(n),
            customers=words.number(count),
            share=words.percent(count / total) if total else "",
            height=min(100, max(round(100 * count / highest), 2)) if count and highest else 0,
            cut=count > highest,
        )
        for n, count in enumerate(counts)
    ]
    reached = total - received.get(0, 0)
    messages = sum(n * customers for n, customers in received.items())
    return Gauge(
        bars=bars,
        customers=total,
        reached=words.number(reached),
        mean=words.number(round(messages / reached, 1)) if reached else "—",
        most=words.number(max((n for n, count in received.items() if count), default=0)),
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What a rule, or the time of day, held back of one journey's messages.

    `counts` are by way: the number as it is written, and the address of the messages behind it.
    """

    name: str
    first: bool
    journey: str
    counts: list[tuple[str, str, str]]


def held(
    stopped: Sequence[Stopped],
    names: Names,
    journeys: Mapping[str, str],
    since: date,
    words: Words,
) -> list[Held]:
    """Return what was held back since a day, by rule and journey."""
    ways = (
        ("deferred", words.gettext("Put off")),
        ("skipped", words.gettext("Not sent")),
        ("moved", words.gettext("Other channel")),
    )
    found: dict[tuple[str, str | None, str], dict[str, int]] = {}
    for one in stopped:
        # Of what a rule holds back, the rule tells all.
        why = "cap" if one.rule else one.reason
        counts = found.setdefault((why, one.rule, one.journey), {})
        counts[one.how] = counts.get(one.how, 0) + one.messages
    rows, before = [], ("", "")
    for (why, rule, journey), counts in found.items():
        name = _name(why, rule, names, words)
        by = f"rule={rule}" if rule else f"reason={why}"
        address = f"/messages?journey={journey}&{by}&from={since.isoformat()}"
        rows.append(
            Held(
                name=name,
                first=(why, rule or "") != before,
                journey=journeys.get(journey, readable(journey)),
                counts=[
                    (title, words.number(counts[how]) if how in counts else "",
                     f"{address}&stopped={how}")
                    for how, title in ways
                ],
            )
        )  # fmt: skip
        before = (why, rule or "")
    return rows


def _name(why: str, rule: str | None, names: Names, words: Words) -> str:
    if rule:
        return names.caps.get(rule, readable(rule))
    said = words.gettext(REASONS.get(why, why))
    return said[:1].upper() + said[1:]
