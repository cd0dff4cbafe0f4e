"""What holds for the whole shop."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from engine.model.base import WHOLE, Channel, ClockTime, Frozen, Share, Zone


class QuietHours(Frozen):
    """Local hours in which nothing is sent; they may span midnight."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime


class Workspace(Frozen):
    """The shop's defaults: used where a customer's own zone or locale is not known."""

    name: str = "My shop"
    time_zone: Zone = "Europe/Zurich"
    locale: str = "en"
    currency: str = Field(default="CHF", pattern=r"^[A-Z]{3}$")
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="ISO 3166")
    quiet_hours: dict[Channel, QuietHours] = Field(default_factory=dict)
    quiet_holidays: bool = Field(
        default=False,
        description="nothing but email is sent on public holidays of the customer's country",
    )
    legal_hours: bool = Field(
        default=True, description="SMS keep the legal hours of the customer's country"
    )
    track_links: bool = Field(default=False, description="count clicks by links of our own")
    sms_stop: dict[str, str] = Field(
        default_factory=dict, description="what ends a marketing SMS, by locale: Reply STOP to end"
    )
    sms_cost: Decimal | None = Field(default=None, ge=0, description="of one segment")
    price_drop: Share = Field(
        default=5, description="by how many percent a price has to fall for customers to be told"
    )
    interest_days: Annotated[int, Field(ge=1, le=365), WHOLE] = Field(
        default=30,
        description="for how many days after a look a customer is told of a product's changes",
    )

    @property
    def looked(self) -> timedelta:
        """For how long a look at a product counts as an interest in it."""
        return timedelta(days=self.interest_days)
