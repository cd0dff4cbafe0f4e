"""What an operator can set about the providers: a part of `engine/settings.py`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

PREFIX: Final = "PARCOURS_"


def web_address(value: str) -> str:
    """Return a web address without a slash at its end; raise `ValueError` when it is none."""
    if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc):
        raise ValueError("must be a web address, such as https://journeys.example.com")
    return value.rstrip("/")


def _contact(value: str) -> str:
    if value and not value.startswith(("mailto:", "https://")):
        raise ValueError("must be where to reach you, such as mailto:it@shop.example")
    return value


WebAddress = Annotated[str, AfterValidator(web_address)]
Rate = Annotated[float, Field(gt=0, le=10_000)] | None
"""Messages a second over all workers; None for as many as there are."""


class ProviderSettings(BaseSettings):
    """The transport of each channel, and what its provider needs."""

    email: Literal["outbox", "smtp", "sendgrid"] = "outbox"
    sms: Literal["outbox", "twilio"] = "outbox"
    whatsapp: Literal["outbox", "twilio"] = "outbox"
    push: Literal["outbox", "fcm", "webpush"] = "outbox"

    email_from: str = "Parcours <no-reply@localhost>"
    email_rate: Rate = None
    smtp_url: SecretStr = SecretStr("")
    dkim_key: Path | None = None
    """A file with an RSA key in PEM."""
    dkim_selector: str = ""
    dkim_domain: str = ""
    sendgrid_api_key: SecretStr = SecretStr("")
    sendgrid_base_url: WebAddress = "https://api.sendgrid.com"
    sendgrid_activity: bool = False
    """Whether the account has the Email Activity API, a paid extra."""
    sendgrid_webhook_key: SecretStr = SecretStr("")
    """The verification key of its event webhook; empty: its callbacks are not taken."""

    sms_from: str = ""
    sms_rate: Rate = None
    whatsapp_from: str = ""
    whatsapp_rate: Rate = None
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_base_url: WebAddress = ""
    """Empty: Twilio's own."""

    push_rate: Rate = None
    fcm_credentials: Path | None = None
    """A service account's file, from the Firebase console."""
    fcm_base_url: WebAddress = "https://fcm.googleapis.com"
    vapid_private_key: SecretStr = SecretStr("")
    """32 bytes in base64url, as the makers of such keys print them; or DER."""
    vapid_subject: Annotated[str, AfterValidator(_contact)] = ""

    shopify_secret: SecretStr = SecretStr("")
    """What signs Shopify's webhooks; empty: they are not taken."""
    shopify_namespace: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "shopify"
    """Of which kind Shopify's ids of customers are; `external_id`: the shop's own."""
    prestashop_secret: SecretStr = SecretStr("")
    prestashop_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")] = (
        "X-PrestaShop-Hmac-Sha256"
    )
    """The header that carries the signature."""
    prestashop_namespace: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "prestashop"

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        url = urlsplit(value.get_secret_value())
        if value and (url.scheme not in {"smtp", "smtps"} or not url.hostname):
            raise ValueError("must be smtp://[user:password@]host:port or smtps://…")
        return value

    @field_validator("sendgrid_webhook_key")
    @classmethod
    def _verification_key(cls, value: SecretStr) -> SecretStr:
        if value and not re.fullmatch(r"[A-Za-z0-9+/]{40,}={0,2}", value.get_secret_value()):
            raise ValueError("must be the verification key as SendGrid's page shows it")
        return value

    def rate(self, channel: str) -> float | None:
        """Messages a second that may go out on a channel."""
        rates = {
            "email": self.email_rate,
            "sms": self.sms_rate,
            "whatsapp": self.whatsapp_rate,
            "push": self.push_rate,
        }
        return rates[channel]

    def missing(self) -> Iterator[str]:
        """Tell, in a sentence each, what the chosen transports lack."""
        for channel, chosen, needed in _COMPANIONS:
            if getattr(self, channel) == chosen:
                for field, example in needed.items():
                    if not getattr(self, field):
                        yield (
                            f"{PREFIX}{channel.upper()}={chosen} needs {PREFIX}{field.upper()}, "
                            f"such as {example}."
                        )
        dkim = {"dkim_key": self.dkim_key, "dkim_selector": self.dkim_selector,
                "dkim_domain": self.dkim_domain}  # fmt: skip
        if any(dkim.values()) and not all(dkim.values()):
            given = ", ".join(PREFIX + name.upper() for name in dkim)
            yield f"{given} go together: give all or none."

    def files(self) -> Iterator[tuple[str, Path]]:
        """The files that are named, by their setting's name."""
        for name, path in (("dkim_key", self.dkim_key), ("fcm_credentials", self.fcm_credentials)):
            if path is not None:
                yield name, path


_TWILIO: Final = {
    "twilio_account_sid": "AC followed by 32 letters and digits",
    "twilio_auth_token": "the one on Twilio's console",
}

_COMPANIONS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("email", "smtp", {"smtp_url": "smtp://mail.example.com:587"}),
    ("email", "sendgrid", {"sendgrid_api_key": "SG.…, with the right to send mail"}),
    ("sms", "twilio", {**_TWILIO, "sms_from": "+15551234567 or a messaging service's id"}),
    ("whatsapp", "twilio", {**_TWILIO, "whatsapp_from": "+15551234567"}),
    ("push", "fcm", {"fcm_credentials": "/etc/parcours/service-account.json"}),
    ("push", "webpush", {
        "vapid_private_key": "the lines between the first and the last of what `vapid --gen` writes",
        "vapid_subject": "mailto:it@shop.example",
    }),
)  # fmt: skip
