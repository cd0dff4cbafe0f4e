"""What holds for the whole shop."""

from decimal import Decimal

from pydantic import Field

from engine.model.base import Channel, ClockTime, Frozen, Zone


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
