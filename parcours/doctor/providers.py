"""The providers: whether they answer, and take what we come with. Nothing is sent."""

import json
import smtplib
import ssl
from base64 import b64encode
from typing import Any

from activities.email.smtp import SmtpServer
from activities.outward import Answered, NotAllowed, NotAnswered, NotReached, call
from activities.push.fcm import FcmTransport
from activities.transport import TransportError
from parcours.doctor.finding import Finding, unwise, well, wrong

_SECONDS = 8.0


def smtp(server: SmtpServer) -> Finding:
    """Greet a mail server, encrypt where it offers that, and log in."""
    about, at = "SMTP", f"{server.host}:{server.port}"
    trust = ssl.create_default_context()
    conversation: smtplib.SMTP
    try:
        if server.implicit_tls:
            conversation = smtplib.SMTP_SSL(
                server.host, server.port, timeout=_SECONDS, context=trust
            )
        else:
            conversation = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    except ssl.SSLError:
        return _untrusted(about, at)
    except (OSError, smtplib.SMTPException) as error:
        mend = "Check host and port in PARCOURS_SMTP_URL, and the firewall"
        return wrong(about, f"{at} does not answer ({type(error).__name__})", mend)
    try:
        return _introduced(about, at, conversation, server, trust)
    except ssl.SSLError:
        return _untrusted(about, at)
    except smtplib.SMTPAuthenticationError as error:
        mend = "Check user and password in PARCOURS_SMTP_URL"
        return wrong(about, f"{at} does not let us in ({error.smtp_code})", mend)
    except smtplib.SMTPNotSupportedError:
        mend = "Use smtps:// or the port where it offers STARTTLS, or leave user and password out"
        return wrong(about, f"{at} offers no way to log in", mend)
    except (OSError, smtplib.SMTPException) as error:
        mend = "Look into the mail server's log"
        return wrong(about, f"{at} broke off ({type(error).__name__})", mend)
    finally:
        conversation.close()


def _introduced(
    about: str, at: str, conversation: smtplib.SMTP, server: SmtpServer, trust: ssl.SSLContext
) -> Finding:
    conversation.ehlo_or_helo_if_needed()
    encrypted = server.implicit_tls
    if not encrypted and conversation.has_extn("starttls"):
        conversation.starttls(context=trust)
        conversation.ehlo()
        encrypted = True
    if server.user is not None:
        conversation.login(server.user, server.password or "")
    conversation.quit()
    if server.user is not None and not encrypted:
        mend = "Use smtps://, or a port of the server that offers STARTTLS"
        return unwise(about, f"{at} takes the password without encryption", mend)
    return well(about, f"{at} lets us in{', encrypted' if encrypted else ''}")


def _untrusted(about: str, at: str) -> Finding:
    mend = "Give the server a certificate for this name, from an authority this machine trusts"
    return wrong(about, f"{at} has no encryption that can be trusted", mend)


def sendgrid(key: str, base_url: str) -> Finding:
    """Ask what a SendGrid key may do."""
    about = "SendGrid"
    answered = _asked(about, f"{base_url}/v3/scopes", f"Bearer {key}")
    if isinstance(answered, Finding):
        return answered
    if answered.status in {401, 403}:
        return wrong(about, "does not know the key", "Check PARCOURS_SENDGRID_API_KEY")
    if answered.status != 200:
        return _odd(about, answered)
    if "mail.send" not in _json(answered).get("scopes", []):
        mend = "Give the key the right to send mail, or make another one"
        return wrong(about, "the key may not send mail", mend)
    return well(about, "the key may send mail")


def twilio(sid: str, token: str, base_url: str) -> Finding:
    """Ask how a Twilio account is."""
    about = "Twilio"
    basic = b64encode(f"{sid}:{token}".encode()).decode()
    url = f"{base_url or 'https://api.twilio.com'}/2010-04-01/Accounts/{sid}.json"
    answered = _asked(about, url, f"Basic {basic}")
    if isinstance(answered, Finding):
        return answered
    if answered.status in {401, 403, 404}:
        mend = "Check PARCOURS_TWILIO_ACCOUNT_SID and PARCOURS_TWILIO_AUTH_TOKEN"
        return wrong(about, "does not know the account or its token", mend)
    if answered.status != 200:
        return _odd(about, answered)
    account = _json(answered)
    if account.get("status", "active") != "active":
        return wrong(about, f"the account is {account['status']}", "Log in to Twilio's console")
    if account.get("type") == "Trial":
        mend = "Upgrade it on Twilio's console before customers are to be reached"
        return unwise(about, "a trial account reaches only numbers that were verified", mend)
    return well(about, "the account is active")


def fcm(transport: FcmTransport) -> Finding:
    """Ask Google for a token with the service account's key."""
    try:
        transport.token()
    except TransportError as error:
        mend = (
            "Check the clock, the network, and that the key in PARCOURS_FCM_CREDENTIALS is active"
        )
        return wrong("FCM", error.reason, mend)
    return well("FCM", "the service account is let in")


def _asked(about: str, url: str, authorization: str) -> Answered | Finding:
    try:
        # The operator's own setting: it may well be a proxy in the shop's network.
        return call("GET", url, {"Authorization": authorization}, b"", _SECONDS, allow_private=True)
    except (NotAllowed, NotReached, NotAnswered) as error:
        mend = "Check the network, the firewall, and the provider's base URL if one is set"
        return wrong(about, str(error), mend)


def _odd(about: str, answered: Answered) -> Finding:
    return wrong(about, f"answered {answered.status}", "Try again later; look at its status page")


def _json(answered: Answered) -> dict[str, Any]:
    try:
        found = json.loads(answered.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
