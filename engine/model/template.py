"""What a message is made from."""

from pydantic import Field

from engine.model.base import Channel, Frozen, Name, Slug


class Content(Frozen):
    """A template in one language; every text may use variables. `text` is email's plain part."""

    subject: str | None = Field(default=None, max_length=1000)
    preheader: str | None = Field(default=None, max_length=1000)
    body: str = Field(max_length=500_000)
    text: str | None = Field(default=None, max_length=500_000)


class Template(Frozen):
    """The content of a message in one or more languages."""

    id: Slug
    name: Name
    channel: Channel
    locales: dict[str, Content] = Field(min_length=1)

    def content(self, *wanted: str | None) -> Content:
        """Return the content for the first wanted locale that exists, or its language, or any."""
        for locale in wanted:
            if locale is None:
                continue
            tag = locale.replace("_", "-")
            for candidate in (tag, tag.split("-")[0]):
                if candidate in self.locales:
                    return self.locales[candidate]
        return next(iter(self.locales.values()))
