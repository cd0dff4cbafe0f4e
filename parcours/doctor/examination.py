"""The whole examination, in the order in which one thing needs the other."""

from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from activities.email.smtp import server_of
from engine.errors import InvalidInput
from engine.settings import Settings
from parcours.doctor import database, domain, here, providers, shops, temporal
from parcours.doctor.finding import Finding, unwise, well, wrong
from parcours.doctor.records import Given, NoResolver, Resolved
from parcours.embedded import addresses
from workers.registry import transports


def examine(records: Path | None = None) -> Iterator[Finding]:
    """Look at everything; `records` is a file of the sending domain's records.

    Raises:
        InvalidInput: that file cannot be read.
    """
    given = Given(records) if records is not None else None
    try:
        settings = Settings.load()
    except InvalidInput as error:
        for sentence in str(error).splitlines():
            yield wrong("settings", sentence.rstrip("."), "Mend it, then run this again")
        return
    yield well("settings", "can be read")
    chosen = {settings.email, settings.sms, settings.whatsapp, settings.push}
    sends = chosen != {"outbox"}
    yield from here.look(settings, sends=sends)
    yield from _servers(settings)
    yield from _providers(settings)
    yield from shops.look(settings)
    if settings.email != "outbox" or given is not None:
        yield from _domain(settings, given or Resolved())


def _servers(settings: Settings) -> Iterator[Finding]:
    running = addresses.read(settings.data_dir)
    url, address = settings.database_url, settings.temporal_address
    if running is not None:
        url, address = url or running.database_url, address or running.temporal_address
    mend = "Start `parcours up`, or set {}"
    if url:
        yield from database.look(url)
    else:
        yield wrong("database", "is not running", mend.format("PARCOURS_DATABASE_URL"))
    if address:
        yield from temporal.look(settings.model_copy(update={"temporal_address": address}))
    else:
        yield wrong("temporal", "is not running", mend.format("PARCOURS_TEMPORAL_ADDRESS"))


def _providers(settings: Settings) -> Iterator[Finding]:
    try:
        transports(settings)  # reads keys and files
    except InvalidInput as error:
        yield wrong("providers", str(error).rstrip("."), "Mend the setting, then run this again")
        return
    if settings.email == "smtp":
        yield providers.smtp(server_of(settings.smtp_url.get_secret_value()))
    if settings.email == "sendgrid":
        key = settings.sendgrid_api_key.get_secret_value()
        yield providers.sendgrid(key, settings.sendgrid_base_url)
    if "twilio" in {settings.sms, settings.whatsapp}:
        token = settings.twilio_auth_token.get_secret_value()
        yield providers.twilio(settings.twilio_account_sid, token, settings.twilio_base_url)
    if settings.push == "fcm" and settings.fcm_credentials is not None:
        from activities.push.fcm import FcmTransport

        file, base_url = settings.fcm_credentials, settings.fcm_base_url
        yield providers.fcm(FcmTransport.load(file, base_url))
    if settings.push == "webpush":
        yield well("Web Push", "the key can sign")


def _domain(settings: Settings, records: Given | Resolved) -> Iterator[Finding]:
    _, _, name = parseaddr(settings.email_from)[1].rpartition("@")
    if "." not in name:
        mend = "Set PARCOURS_EMAIL_FROM to an address of your own domain"
        yield wrong("sender", f"mail comes from {name or 'nowhere'}, which is no domain", mend)
        return
    try:
        yield from domain.look(name.lower(), records, **_signed(settings))
    except NoResolver as error:
        mend = (
            "Ask for the records elsewhere with `dig NAME TXT`, and give them with --records FILE"
        )
        yield unwise("sending domain", f"no resolver answers here ({error})", mend)


def _signed(settings: Settings) -> dict[str, Any]:
    """Return who sends and signs the mail, as the settings say it."""
    if settings.email == "sendgrid":
        return {"include": "sendgrid.net", "selectors": ("s1", "s2")}
    if settings.dkim_key is None:
        return {}
    return {
        "selectors": (settings.dkim_selector,),
        "signer": settings.dkim_domain,
        "key": domain.public_part(settings.dkim_key),
    }
