"""Which customers of a journey are listed: read from an address, shown as a form, said in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from designer.canvas.sentences import Sentences, readable
from designer.period import Period, period
from designer.words import N_, Words
from engine.errors import InvalidInput
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    SendStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
)
from engine.store.inside import OF_JOURNEY, OF_STEP, SORTS, STANDING, Asked

_JOURNEY: Final = {
    "entered": (N_("Entered"), N_("Customers who entered"), N_("Came in")),
    "inside": (N_("Inside now"), N_("Customers who are inside now"), N_("Came in")),
    "left": (N_("Left"), N_("Customers who left"), N_("Went out")),
    "converted": (N_("Goal reached"), N_("Customers who reached the goal"), N_("Goal reached")),
    "held": (N_("Held by the pause"), N_("Customers whom the pause holds"), N_("Held since")),
    "held_out": (N_("Held out"), N_("Customers held out to compare with"), N_("Came in")),
}
_STEP: Final = {
    "entered": (N_("Came by"), N_("Customers who came to %(step)s"), N_("Came")),
    "waiting": (N_("Here now"), N_("Customers who are at %(step)s now"), N_("Since")),
    "held": (
        N_("Held by the pause"), N_("Customers whom the pause holds at %(step)s"), N_("Held since"),
    ),
    "went": (N_("Went this way"), N_("Customers who went %(way)s at %(step)s"), N_("When")),
    "sent": (N_("Sent"), N_("Customers to whom %(step)s was sent"), N_("Sent")),
    "opened": (N_("Opened"), N_("Customers who opened %(step)s"), N_("Opened")),
    "clicked": (N_("Clicked"), N_("Customers who clicked in %(step)s"), N_("Clicked")),
    "deferred": (N_("Put off"), N_("Customers for whom %(step)s is put off"), N_("Decided")),
    "skipped": (N_("Not sent"), N_("Customers to whom %(step)s was not sent"), N_("Decided")),
    "failed": (N_("Refused"), N_("Customers for whom %(step)s was refused"), N_("Decided")),
    "unknown": (
        N_("Outcome unknown"), N_("Customers of whom nobody knows whether %(step)s arrived"),
        N_("Decided"),
    ),
}  # fmt: skip
"""In a choice, as a heading, and above the column that says when."""

_NOW: Final = {"": N_("Inside or not"), "inside": N_("Inside now"), "left": N_("Left")}
_SORTS: Final = {
    "newest": N_("Newest first"), "oldest": N_("Oldest first"), "due": N_("Goes on soonest first"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for, as it was written."""

    journey: str
    step: str = ""
    of: str = "entered"
    arm: str = ""
    q: str = ""
    now: str = ""
    sort: str = "newest"
    period: Period = field(default_factory=Period)

    def query(self) -> dict[str, str]:
        """Return them as the address names them."""
        given = {
            "step": self.step, "of": self.of, "arm": self.arm, "q": self.q, "now": self.now,
            "sort": "" if self.sort == "newest" else self.sort, **self.period.query(),
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}

    def asked(self) -> Asked:
        """Return them as the store takes them."""
        given: dict[str, Any] = {"now": self.now, "sort": self.sort}
        return Asked(
            journey=self.journey,
            step=self.step,
            of=self.of,
            arm=self.arm,
            since=self.period.since,
            until=self.period.until,
            q=self.q,
            address=self.query(),
            **given,
        )

    @property
    def standing(self) -> bool:
        """Whether it is about this moment, whatever the period."""
        return self.of in STANDING


def filters(journey: str, given: Mapping[str, Any], words: Words) -> Filters:
    """Read them; raise `InvalidInput` with a sentence for what no list of customers is."""
    asked = {name: str(value).replace("\0", "").strip() for name, value in given.items()}
    step, of, arm = asked.get("step", ""), asked.get("of", "") or "entered", asked.get("arm", "")
    now, sort = asked.get("now", ""), asked.get("sort", "") or "newest"
    if of not in {*OF_JOURNEY, *OF_STEP}:
        said = words.gettext("There is no figure %(name)s: choose one of the list.")
        raise InvalidInput(said % {"name": words.quote(of)})
    if now not in _NOW or sort not in SORTS:
        said = words.gettext("The list cannot be shown by %(name)s: choose one of the list.")
        raise InvalidInput(said % {"name": words.quote(now if now not in _NOW else sort)})
    if of not in (OF_STEP if step else OF_JOURNEY):  # of a step that was chosen before
        of = {"inside": "waiting", "waiting": "inside"}.get(of, "entered")
    if of == "went" and not arm:
        raise InvalidInput(words.gettext("Say which way the customers went: the address lacks it."))
    return Filters(
        journey=journey,
        step=step,
        of=of,
        arm=arm if of == "went" else "",
        q=asked.get("q", ""),
        now=now,
        sort=sort,
        period=period(asked, words.shop.zone, datetime.now(UTC), words),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of the form that offers what there is."""

    key: str
    name: str
    value: str
    options: list[tuple[str, str]]


class Offered:
    """What the form offers of a journey, and how a choice is said; `steps` are known by their id."""

    def __init__(self, chosen: Filters, steps: Mapping[str, AnyStep], sentences: Sentences) -> None:
        self._chosen = chosen
        self._steps = steps
        self._sentences = sentences
        self._words = sentences.words

    def choices(self) -> list[Choice]:
        """Return the form's fields."""
        _, chosen = self._words.gettext, self._chosen
        steps = [(id_, self._sentences.title(step)) for id_, step in self._steps.items()]
        if chosen.step and chosen.step not in self._steps:
            steps.append((chosen.step, readable(chosen.step)))
        return [
            Choice("step", _("Step"), chosen.step, [("", _("The whole journey")), *steps]),
            Choice("of", _("Figure"), chosen.of, self._figures()),
            Choice("now", _("Now"), chosen.now, [(key, _(said)) for key, said in _NOW.items()]),
            Choice(
                "sort", _("Order"), chosen.sort, [(key, _(said)) for key, said in _SORTS.items()]
            ),
        ]

    def _figures(self) -> list[tuple[str, str]]:
        _, chosen = self._words.gettext, self._chosen
        if not chosen.step:
            return [(of, _(said)) for of, (said, _heading, _when) in _JOURNEY.items()]
        step = self._steps.get(chosen.step)
        offered = ["entered"]
        if step is None or isinstance(
            step, SendStep | WaitStep | WaitForStep | WebhookStep | ActivityStep
        ):
            offered += ["waiting", "held"]
        if step is None or isinstance(step, SendStep):
            offered += ["sent", "opened", "clicked", "deferred", "skipped", "failed", "unknown"]
        if chosen.of not in offered:
            offered.append(chosen.of)
        return [(of, _(_STEP[of][0])) for of in offered]

    def heading(self) -> str:
        """Say who is listed."""
        chosen, _ = self._chosen, self._words.gettext
        if not chosen.step:
            return _(_JOURNEY[chosen.of][1])
        name, mark = self.step_name(chosen.step), self._words.quote("")[0]
        if mark not in name:  # no quotation within another
            name = self._words.quote(name)
        return _(_STEP[chosen.of][1], step=name, way=self._words.quote(self._way()))

    def when(self) -> str:
        """Say what the instant of each row is."""
        names = _STEP if self._chosen.step else _JOURNEY
        return self._words.gettext(names[self._chosen.of][2])

    def step_name(self, step: str) -> str:
        """Return what a step is called."""
        found = self._steps.get(step)
        return self._sentences.title(found) if found is not None else readable(step)

    def _way(self) -> str:
        found, arm = self._steps.get(self._chosen.step), self._chosen.arm
        if found is None or isinstance(found, SendStep):
            return readable(arm)
        try:
            return self._sentences.arm(found, arm)
        except (StopIteration, ValueError, IndexError):  # a way of another version
            return readable(arm)
