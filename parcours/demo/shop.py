"""What the demonstration shop is: its settings, and its customers, all of them made up.

Addresses cannot reach anyone: `example.com` and its sisters are reserved (RFC 2606), and the
numbers from +33 6 39 98 00 00 on are kept for films by the French regulator.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from engine.flow.history import Profile

NAME: Final = "Le Panier (demo)"
CURRENCY: Final = "CHF"
SETTINGS: Final = {
    "name": NAME,
    "time_zone": "Europe/Zurich",
    "locale": "en",
    "currency": CURRENCY,
    "country": "CH",
    "quiet_hours": {
        "sms": {"from": "20:00", "to": "08:30"},
        "push": {"from": "21:00", "to": "08:00"},
    },
}
PREFIX: Final = "demo-"
"""How the shop's customers' ids begin."""

NUMBERS: Final = 10_000
"""How many phone numbers there are for films."""

_BIRTH_DATES_KNOWN: Final = 0.6
"""The share of customers whose made-up date of birth the shop knows."""

_FIRST: Final = {
    "en": (
        "Alice", "Amelia", "Ben", "Charlotte", "Daniel", "Emma", "Finn", "Grace", "Harry", "Isla",
        "Jack", "Kate", "Leo", "Lucy", "Max", "Nora", "Oliver", "Olivia", "Peter", "Ruby",
        "Sam", "Sophie", "Thomas", "Zoe",
    ),
    "fr": (
        "Adèle", "Antoine", "Camille", "Chloé", "Élise", "Étienne", "Hugo", "Inès", "Jeanne",
        "Jules", "Léa", "Louis", "Lucas", "Manon", "Margaux", "Mathis", "Noémie", "Paul",
        "Rémi", "Romane", "Théo", "Valentine", "Victor", "Zélie",
    ),
}  # fmt: skip
_LAST: Final = {
    "en": (
        "Baker", "Bennett", "Carter", "Clarke", "Cooper", "Fisher", "Foster", "Gardner", "Hughes",
        "Keller", "Marsh", "Meyer", "Moser", "Palmer", "Reed", "Shaw", "Turner", "Weber", "Wood",
    ),
    "fr": (
        "Aubert", "Bertrand", "Bonnet", "Caron", "Chevalier", "Dubois", "Favre", "Fontaine",
        "Girard", "Lambert", "Laurent", "Leroy", "Martin", "Mercier", "Morel", "Rochat",
        "Rousseau", "Roux", "Vidal",
    ),
}  # fmt: skip
_DOMAINS: Final = ("example.com", "example.org", "example.net")
_PLAIN: Final = str.maketrans("éèêëÉàâçîïôùû", "eeeeEaaciiouu")


@dataclass(frozen=True, slots=True)
class Household:
    """Who buys. The survey of the data's makers reached one in three."""

    id: int
    survey: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Basket:
    """One purchase, as the properties of an event."""

    household: int
    id: int
    at: datetime
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the shops sell of one category, as one product."""

    sku: str
    name: str
    price: float


def user_id(household: int) -> str:
    """Return the id under which the shop knows a household."""
    return f"{PREFIX}{household}"


def profiles(households: Iterable[Household]) -> list[Profile]:
    """Make each household a customer; the same one gets the same name every time."""
    return [_profile(place, household) for place, household in enumerate(households)]


def _profile(place: int, household: Household) -> Profile:
    chance = random.Random(f"household {household.id}")  # noqa: S311 - made-up people need no secrets
    language = chance.choices(("fr", "en"), weights=(55, 45))[0]
    country = chance.choices(("CH", "FR"), weights=(60, 40))[0]
    first, last = chance.choice(_FIRST[language]), chance.choice(_LAST[language])
    name = f"{first}.{last}".lower().translate(_PLAIN)
    email = f"{name}.{household.id}@{chance.choice(_DOMAINS)}"
    phone = f"+3363998{place % NUMBERS:04d}"
    traits = {
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": phone,
        "country": country,
        "demo": True,
        **household.survey,
    }
    if chance.random() < _BIRTH_DATES_KNOWN:
        traits["birth_date"] = _birth_date(chance, household.survey.get("age_group"))
    return Profile(
        identities=(("external_id", user_id(household.id)),),
        traits=traits,
        addresses={"email": email, "phone": phone},
        locale=f"{language}-{country}",
        time_zone="Europe/Zurich" if country == "CH" else "Europe/Paris",
    )


def _birth_date(chance: random.Random, age_group: Any) -> str:
    """Make up a date of birth that fits the survey, where there is one ("35-44", "65+")."""
    ages = [int(age) for age in re.findall(r"\d+", str(age_group or "18-80"))]
    age = chance.randint(ages[0], ages[1] if len(ages) > 1 else ages[0] + 20)
    return date(2026 - age, chance.randint(1, 12), chance.randint(1, 28)).isoformat()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on the made-up web shop's shelves."""

    sku: str
    name: str
    category: str
    price: float


def things() -> list[Thing]:
    """Return what visitors look at."""
    return [
        Thing("gruyere-500", "Gruyère, 500 g", "Cheese", 14.9),
        Thing("espresso-1kg", "Espresso beans, 1 kg", "Coffee", 24.5),
        Thing("olive-oil-75", "Olive oil, 75 cl", "Shortening, oil", 17.2),
        Thing("dark-chocolate", "Dark chocolate, 5 bars", "Packaged sweets", 12.75),
        Thing("apple-juice-6", "Apple juice, 6 bottles", "Chilled juices", 19.8),
        Thing("sourdough", "Sourdough loaf", "Bread", 6.4),
        Thing("cat-food-24", "Cat food, 24 bowls", "Cat food", 28.9),
        Thing("red-wine-6", "Pinot noir, 6 bottles", "Domestic wine", 89.0),
        Thing("fondue-set", "Fondue set for four", "Cookware and bakeware", 64.9),
        Thing("honey", "Mountain honey, 500 g", "Breakfast sweets", 13.5),
        Thing("shampoo", "Shampoo bar", "Hair care products", 9.9),
        Thing("pasta-5", "Pasta, 5 packets", "Dry noodles, pasta", 11.0),
    ]
