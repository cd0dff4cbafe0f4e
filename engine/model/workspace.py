"""What holds for the whole shop."""

from zoneinfo import available_timezones

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from engine.model.base import Channel, ClockTime, Frozen


class QuietHours(Frozen):
    """Local hours in which nothing is sent; they may span midnight."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime


class Workspace(Frozen):
    """The shop's defaults: used where a customer's own zone or locale is not known."""

    name: str = "My shop"
    time_zone: str = "Europe/Zurich"
    locale: str = "en"
    currency: str = Field(default="CHF", pattern=r"^[A-Z]{3}$")
    quiet_hours: dict[Channel, QuietHours] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise PydanticCustomError(
                "time_zone", "{zone} is no time zone; write one like Europe/Paris", {"zone": value}
            )
        return value
