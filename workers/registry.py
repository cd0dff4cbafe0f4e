"""Which activities are served on which queue, over which transport."""

from collections.abc import Mapping

from activities.email.smtp import SmtpTransport, server_of
from activities.outbox import OutboxTransport
from activities.transport import Transport
from engine.model.base import Channel
from engine.settings import Settings


def transports(settings: Settings) -> Mapping[Channel, Transport]:
    """Return the transport of each channel, as the settings say."""
    email: Transport = OutboxTransport()
    if settings.email == "smtp":
        email = SmtpTransport(server_of(settings.smtp_url.get_secret_value()), settings.email_from)
    return {
        "email": email,
        "sms": OutboxTransport(),
        "whatsapp": OutboxTransport(),
        "push": OutboxTransport(),
    }
