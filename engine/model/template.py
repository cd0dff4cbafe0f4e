"""What a message is made from."""

from typing import Annotated

from pydantic import Field

from engine.model.base import Channel, Frozen, Name, Slug
from engine.model.locale import chosen


class Content(Frozen):
    """A template in one language; every text may use variables.

    `text` is email's plain part. `link` and `image` are the addresses that a push message opens
    and shows. `approved` names a template that WhatsApp's provider has approved, and `fields`
    fills it.
    """

    subject: str | None = Field(default=None, max_length=1000)
    preheader: str | None = Field(default=None, max_length=1000)
    body: str = Field(max_length=500_000)
    text: str | None = Field(default=None, max_length=500_000)
    link: str | None = Field(default=None, max_length=2000)
    image: str | None = Field(default=None, max_length=2000)
    approved: str | None = Field(default=None, max_length=200)
    fields: dict[Name, Annotated[str, Field(max_length=2000)]] = Field(
        default_factory=dict, max_length=50
    )

    def texts(self) -> dict[str, str]:
        """Return every text that is rendered, by the name of its field."""
        named = {
            name: getattr(self, name)
            for name in ("subject", "preheader", "body", "text", "link", "image")
        }
        filled = {f"fields.{name}": text for name, text in self.fields.items()}
        return {name: text for name, text in (named | filled).items() if text}


class Template(Frozen):
    """The content of a message in one or more languages."""

    id: Slug
    name: Name
    channel: Channel
    locales: dict[str, Content] = Field(min_length=1)

    def content(self, *wanted: str | None) -> Content:
        """Return the content for the first wanted locale that exists, or its language, or any."""
        return chosen(self.locales, *wanted)
