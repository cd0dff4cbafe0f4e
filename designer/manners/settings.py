"""The form of the shop's manners: quiet hours, holidays, the law, SMS and tracked links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError
from starlette.datastructures import FormData

from designer.words import LANGUAGES, N_, Words
from engine.model.base import CHANNELS
from engine.model.workspace import Workspace

_MENDS: Final = {
    "country": N_("Choose a country of the list."),
    "sms_cost": N_("Write a price like 0.07, or nothing."),
    "sms_stop": N_("Write a short sentence, like “Reply STOP to end”."),
}
_SWITCHES: Final = ("quiet_holidays", "legal_hours", "track_links")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsForm:
    """The settings as their form shows them; all but the switches are texts as they were typed."""

    quiet: Mapping[str, tuple[str, str]]
    country: str = ""
    quiet_holidays: bool = False
    legal_hours: bool = True
    track_links: bool = False
    sms_stop: Mapping[str, str] = field(default_factory=dict)
    sms_cost: str = ""
    wrong: dict[str, str] = field(default_factory=dict)


def form_of(workspace: Workspace) -> SettingsForm:
    """Return the form that shows the settings."""
    quiet = {
        channel: (f"{hours.from_:%H:%M}", f"{hours.to:%H:%M}")
        for channel, hours in workspace.quiet_hours.items()
    }
    locales = dict.fromkeys([*LANGUAGES, workspace.locale, *workspace.sms_stop])
    return SettingsForm(
        quiet={channel: quiet.get(channel, ("", "")) for channel in CHANNELS},
        country=workspace.country or "",
        quiet_holidays=workspace.quiet_holidays,
        legal_hours=workspace.legal_hours,
        track_links=workspace.track_links,
        sms_stop={locale: workspace.sms_stop.get(locale, "") for locale in locales},
        sms_cost=str(workspace.sms_cost) if workspace.sms_cost is not None else "",
    )


def read_form(sent: FormData) -> SettingsForm:
    """Return what was typed."""

    def typed(name: str) -> str:
        return str(sent.get(name) or "").replace("\0", "").strip()

    return SettingsForm(
        quiet={channel: (typed(f"{channel}_from"), typed(f"{channel}_to")) for channel in CHANNELS},
        country=typed("country"),
        quiet_holidays=typed("quiet_holidays") == "yes",
        legal_hours=typed("legal_hours") == "yes",
        track_links=typed("track_links") == "yes",
        sms_stop={
            name.removeprefix("stop_"): typed(name) for name in sent if name.startswith("stop_")
        },
        sms_cost=typed("sms_cost"),
    )


def changes_of(form: SettingsForm, words: Words) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings that the form says, and what is wrong, by field."""
    wrong, quiet = {}, {}
    for channel, (opens, closes) in form.quiet.items():
        if bool(opens) != bool(closes):
            wrong[channel] = words.gettext("Write both times, or none for no quiet hours.")
        elif opens and opens == closes:
            wrong[channel] = words.gettext("The times are the same: write none for no quiet hours.")
        elif opens:
            quiet[channel] = {"from": opens[:5], "to": closes[:5]}
    changes = {
        "quiet_hours": quiet,
        "country": form.country or None,
        "sms_stop": {locale: text for locale, text in form.sms_stop.items() if text},
        "sms_cost": form.sms_cost.replace(",", ".") or None,
        **{name: getattr(form, name) for name in _SWITCHES},
    }
    try:
        Workspace.model_validate(changes)
    except ValidationError as error:
        for mistake in error.errors():
            name, *rest = (str(part) for part in mistake["loc"])
            if name == "quiet_hours":
                wrong[rest[0]] = words.gettext("Write times like 21:00.")
            else:
                wrong[name] = words.gettext(_MENDS.get(name, N_("This is not valid.")))
    return changes, wrong


def countries(words: Words) -> list[tuple[str, str]]:
    """Return the countries by their names."""
    found = {
        code: name
        for code, name in words.locale.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    }
    return sorted(found.items(), key=lambda one: one[1].casefold())


_NO_COUNTRIES: Final = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
