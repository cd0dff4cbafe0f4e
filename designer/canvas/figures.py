"""The figures of a journey and its steps: numbers or rates, each with what it means.

A figure's `of` is the list of customers behind it (see `engine.store.inside`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, assert_never
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from designer.period import ALL_TIME, Period, period
from designer.words import N_, Words
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    ExitStep,
    Journey,
    RepeatStep,
    SendStep,
    SplitStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How somebody reads the figures: as they are or as rates, and of which time.

    `amount` is how many of a card's are shown: all that matter, the first, or none.
    """

    rates: bool = False
    period: Period = field(default=ALL_TIME)
    amount: Literal["all", "first", "none"] = "all"

    def query(self) -> dict[str, str]:
        """Return it as an address names it."""
        return {**({"figures": "rates"} if self.rates else {}), **self.period.query()}


PLAIN: Final = Reading()


def reading(request: Request, words: Words) -> Reading:
    """Read it from a page's address; what is sent from the page tells the page's address."""
    page = request.headers.get("HX-Current-URL", "") if request.method == "POST" else ""
    asked = dict(parse_qsl(urlsplit(page).query)) if page else dict(request.query_params)
    chosen = period(asked, words.shop.zone, datetime.now(UTC), words)
    return Reading(asked.get("figures") == "rates", chosen)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name and its meaning; `id` is its place in the page."""

    id: str
    name: str
    value: str
    title: str
    of: str = ""
    tone: str = ""


class Figures:
    """Says one reader's figures."""

    def __init__(self, words: Words, reading: Reading = PLAIN) -> None:
        self._words = words
        self._rates = reading.rates
        self._amount = reading.amount
        self._period = reading.period.name(words)

    def _number(self, n: int) -> str:
        return self._words.number(n)

    def _share(self, n: int, of: int) -> str:
        return self._words.percent(n / of, digits=1 if 0 < n * 10 < of else 0) if of else "—"

    def _of(self, n: int, of: int, title: str, rate: str) -> tuple[str, str]:
        """Return the number, or its share of another one, and what it means."""
        if self._rates and n <= of:
            return self._share(n, of), self._then(rate)
        return self._number(n), self._then(title)

    def _then(self, title: str) -> str:
        """Name the period in what a figure means."""
        title = self._words.gettext(title)
        if not self._period:
            return title
        return self._words.gettext("%(what)s (%(period)s)", what=title, period=self._period)

    def _standing(self, title: str) -> str:
        """Say that a figure is about this moment, where a period is chosen."""
        title = self._words.gettext(title)
        if not self._period:
            return title
        return self._words.gettext("%(what)s, whatever the period", what=title)

    def card(self, step: AnyStep, found: Mapping[str, Any], entered: int) -> list[Figure]:
        """Return what matters most of a step; what there is none of has no text.

        `entered` is how many customers have entered the journey.
        """
        if self._amount == "none":
            return []
        first = self._main(step, found, entered)
        shown = [replace(first, id=f"n-{step.id}")]
        if self._amount == "first":
            return shown
        if isinstance(step, SendStep):
            shown += [
                replace(
                    one, id=f"n-{step.id}-{one.of}", value=one.value if found.get(one.of) else ""
                )
                for one in self._led_to(found)
            ]
        if isinstance(step, SendStep | WaitStep | WaitForStep | WebhookStep | ActivityStep):
            held = self._held(found)
            shown.append(
                replace(held, id=f"n-{step.id}-held", value=held.value if found.get("held") else "")
            )
        return shown

    def _main(self, step: AnyStep, found: Mapping[str, Any], entered: int) -> Figure:
        _, came = self._words.gettext, found.get("entered", 0)
        match step:
            case SendStep():
                value, title = self._of(
                    found.get("sent", 0), came, N_("Messages sent by this step"),
                    N_("Messages sent, of the times that customers came here"),
                )  # fmt: skip
                return Figure("", _("sent"), value, title, "sent")
            case WaitStep() | WaitForStep():
                title = self._standing(N_("Customers who wait here now"))
                return Figure(
                    "", _("waiting"), self._number(found.get("waiting", 0)), title, "waiting"
                )
            case RepeatStep():
                title = self._then(N_("Rounds that customers have begun"))
                rounds = self._number(found.get("arms", {}).get("again", 0))
                return Figure("", _("begun"), rounds, title, "entered")
            case (
                BranchStep()
                | SplitStep()
                | UpdateStep()
                | WebhookStep()
                | ActivityStep()
                | EnterStep()
            ):
                value, title = self._of(
                    came, entered, N_("Customers who came by here"),
                    N_("Customers who came by here, of those who entered"),
                )  # fmt: skip
                return Figure("", _("passed"), value, title, "entered")
            case ExitStep():
                value, title = self._of(
                    came, entered, N_("Customers who left here"),
                    N_("Customers who left here, of those who entered"),
                )  # fmt: skip
                return Figure("", _("left"), value, title, "entered")
            case _:
                assert_never(step)

    def _led_to(self, found: Mapping[str, Any]) -> list[Figure]:
        _, sent = self._words.gettext, found.get("sent", 0)
        shown = []
        for of, name, title, rate in (
            ("opened", _("opened"), N_("Messages of this step that were opened by people"),
             N_("Messages opened, of those that were sent")),
            ("clicked", _("clicked"), N_("Messages of this step in which a link was clicked"),
             N_("Messages clicked, of those that were sent")),
        ):  # fmt: skip
            value, said = self._of(found.get(of, 0), sent, title, rate)
            shown.append(Figure("", name, value, said, of))
        return shown

    def _held(self, found: Mapping[str, Any]) -> Figure:
        title = self._standing(N_("Customers who would go on here, were the journey not paused"))
        held = self._number(found.get("held", 0))
        return Figure("", self._words.gettext("held"), held, title, "held", "warn")

    def arms(self, found: Mapping[str, Any]) -> dict[str, str]:
        """Return how many went each way out of a step, or which share of them did."""
        if self._amount == "none":
            return {}
        passed: Mapping[str, int] = found.get("arms", {})
        if not self._rates:
            return {name: self._number(n) for name, n in passed.items()}
        total = sum(passed.values())
        return {name: self._share(n, total) for name, n in passed.items()}

    @property
    def no_arm(self) -> str:
        """What is said of a way that nobody went."""
        if self._amount == "none":
            return ""
        return self._share(0, 0) if self._rates else self._number(0)

    @property
    def arms_title(self) -> str:
        """What the number at a way means."""
        return self._then(
            N_("Share of customers who went this way")
            if self._rates
            else N_("Customers who went this way")
        )

    def panel(self, step: AnyStep, found: Mapping[str, Any]) -> list[Figure]:
        """Return the figures of a step, for the panel beside the canvas."""
        if self._amount == "none":
            return []
        _ = self._words.gettext
        came = found.get("entered", 0)
        shown = [
            Figure("", _("Came by"), self._number(came),
                   self._then(N_("Customers who have reached this step")), "entered"),
        ]  # fmt: skip
        if not isinstance(
            step, ExitStep | BranchStep | SplitStep | RepeatStep | UpdateStep | EnterStep
        ):
            title = self._standing(N_("Customers who stand at this step now"))
            here = self._number(found.get("waiting", 0))
            shown.append(Figure("", _("Here now"), here, title, "waiting"))
        if found.get("held"):
            shown.append(replace(self._held(found), name=_("Held by the pause")))
        if isinstance(step, SendStep):
            for of, name, title, rate in _RESULTS:
                if found.get(of) or of == "sent":
                    value, said = self._of(found.get(of, 0), came, title, rate)
                    shown.append(Figure("", _(name), value, said, of))
            names = {"opened": _("Opened"), "clicked": _("Clicked")}
            shown += [
                replace(one, name=names[one.of]) for one in self._led_to(found) if found.get(one.of)
            ]
        return shown

    def totals(self, counted: Mapping[str, Any], journey: Journey) -> list[Figure]:
        """Return the journey's figures."""
        words, _ = self._words, self._words.gettext
        entered, goal = counted["entered"], counted["goal"]
        left, left_title = self._of(
            counted["ended"], entered, N_("Customers who came to the end or left early"),
            N_("Customers who came to the end or left early, of those who entered"),
        )  # fmt: skip
        shown = [
            Figure("t-entered", _("Entered"), self._number(entered),
                   self._then(N_("Customers who entered, those held out for comparison not counted")),
                   "entered"),
            Figure("t-active", _("Inside now"), self._number(counted["active"]),
                   self._standing(N_("Customers who are in the journey now")), "inside"),
            Figure("t-paused", _("Held by the pause"), self._number(counted["held"]),
                   self._standing(N_("Customers who would go on, were the journey not paused")),
                   "held", "warn"),
            Figure("t-ended", _("Left"), left, left_title, "left"),
        ]  # fmt: skip
        if not counted["held"]:
            shown = [figure for figure in shown if figure.of != "held"]
        if journey.goal is not None:
            reached, title = self._of(
                goal, entered, N_("Customers who reached the goal in time, of those who entered"),
                N_("Share of those who entered that reached the goal in time"),
            )  # fmt: skip
            shown.append(Figure("t-goal", _("Goal reached"), reached, title, "converted"))
        if journey.goal is not None and journey.goal.revenue:
            shown.append(self._revenue(float(counted["revenue"]), entered))
        if journey.holdout:
            title = self._then(N_("Customers who receive nothing, to compare with"))
            out = words.number(counted["held_out"])
            shown.append(Figure("t-held", _("Held out"), out, title, "held_out"))
        return shown

    def _revenue(self, revenue: float, entered: int) -> Figure:
        words, _ = self._words, self._words.gettext
        if self._rates:
            title = self._then(N_("What those who reached the goal spent, for each who entered"))
            each = words.money(revenue / entered) if entered else "—"
            return Figure("t-revenue", _("Revenue per customer"), each, title, "converted")
        title = self._then(
            N_("What those who reached the goal spent with it, whether or not for this journey")
        )
        return Figure("t-revenue", _("Revenue at goal"), words.money(revenue), title, "converted")


_RESULTS: Final = (
    ("sent", N_("Sent"), N_("Messages handed over to be delivered"),
     N_("Messages sent, of the times that customers came here")),
    ("deferred", N_("Put off"), N_("Messages that wait for quiet hours or a cap to end"),
     N_("Messages that are put off, of the times that customers came here")),
    ("skipped", N_("Not sent"), N_("Messages that a rule or a missing address held back"),
     N_("Messages held back, of the times that customers came here")),
    ("failed", N_("Refused"), N_("Messages that the provider refused for good"),
     N_("Messages refused, of the times that customers came here")),
    ("unknown", N_("Outcome unknown"), N_("Messages of which the provider never said a word"),
     N_("Messages without an answer, of the times that customers came here")),
)  # fmt: skip
