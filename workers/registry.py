"""Which transport carries the messages of each channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from activities.composing import Composer
from activities.content.links import Tracker
from activities.outbox import OutboxTransport
from activities.pace import Paced
from activities.transport import Transport
from engine.model.base import Channel
from engine.settings import Settings
from engine.store.session import Database

if TYPE_CHECKING:
    from activities.twilio import Account


def composer(settings: Settings, database: Database) -> Composer:
    """Return what makes messages, with the addresses of this shop's own pages."""
    return Composer(database, settings.links(), Tracker(settings.link_keys(), settings.url))


def transports(settings: Settings) -> Mapping[Channel, Transport]:
    """Return the transport of each channel, as the settings say.

    A provider's library is loaded only where it is used.

    Raises:
        InvalidInput: a key, an address or a file of a provider cannot be used.
    """
    return {
        "email": _email(settings),
        "sms": _sms(settings),
        "whatsapp": _whatsapp(settings),
        "push": _push(settings),
    }


def _email(settings: Settings) -> Transport:
    if settings.email == "smtp":
        from activities.email.dkim import Signer
        from activities.email.smtp import SmtpTransport, server_of

        signer = None
        if settings.dkim_key is not None:
            signer = Signer.load(settings.dkim_key, settings.dkim_selector, settings.dkim_domain)
        server = server_of(settings.smtp_url.get_secret_value())
        return SmtpTransport(server, settings.email_from, signer)
    if settings.email == "sendgrid":
        from activities.email.sendgrid import SendGridTransport

        key = settings.sendgrid_api_key.get_secret_value()
        return Paced(
            SendGridTransport(
                key,
                settings.email_from,
                base_url=settings.sendgrid_base_url,
                activity=settings.sendgrid_activity,
            )
        )
    return OutboxTransport()


def _sms(settings: Settings) -> Transport:
    if settings.sms == "twilio":
        from activities.sms.twilio import TwilioSmsTransport

        return Paced(TwilioSmsTransport(_twilio(settings), settings.sms_from))
    return OutboxTransport()


def _whatsapp(settings: Settings) -> Transport:
    if settings.whatsapp == "twilio":
        from activities.whatsapp.twilio import TwilioWhatsAppTransport

        return Paced(TwilioWhatsAppTransport(_twilio(settings), settings.whatsapp_from))
    return OutboxTransport()


def _twilio(settings: Settings) -> "Account":
    from activities.twilio import Account

    return Account(
        sid=settings.twilio_account_sid,
        token=settings.twilio_auth_token.get_secret_value(),
        base_url=settings.twilio_base_url,
        # Twilio refuses a message with callbacks to an address that it cannot reach.
        hooks=f"{settings.public_url}/hooks/twilio" if settings.public_url else "",
    )


def _push(settings: Settings) -> Transport:
    if settings.push == "fcm":
        from activities.push.fcm import FcmTransport

        if settings.fcm_credentials is None:
            raise AssertionError("the settings ask for it")
        return Paced(FcmTransport.load(settings.fcm_credentials, settings.fcm_base_url))
    if settings.push == "webpush":
        from activities.push.webpush import WebPushTransport, service_of

        transport = WebPushTransport(
            settings.vapid_private_key.get_secret_value(),
            settings.vapid_subject,
            allow_private=settings.allow_private_addresses,
        )
        return Paced(transport, service_of)
    return OutboxTransport()
