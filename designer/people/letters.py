"""The mail that brings somebody the link to set her password."""

from html import escape
from typing import Final
from uuid import uuid4

from activities.transport import Letter, OutcomeUnknownError, Transport, TransportError, clock
from designer.words import Words
from engine.names import TRANSPORT_TIMEOUT
from engine.store.users import User

OUTBOX: Final = "outbox"


def mail(transport: Transport, user: User, link: str, words: Words) -> str | None:
    """Mail the link; return why that did not work, or None when it was handed over."""
    shop = words.shop.name
    if user.password_hash is None:
        subject = words.gettext("You are invited to %(shop)s on Parcours", shop=shop)
        said = words.gettext("Choose a password by this link. It works once, for 7 days.")
    else:
        subject = words.gettext("A new password for %(shop)s on Parcours", shop=shop)
        said = words.gettext("Choose a new password by this link. It works once, for a day.")
    hello = words.gettext("Hello %(name)s,", name=user.called)
    letter = Letter(
        id=uuid4(),
        channel="email",
        to=user.email,
        from_=None,
        subject=subject,
        body=f"<p>{escape(hello)}</p><p>{escape(said)}</p>"
        f'<p><a href="{escape(link)}">{escape(link)}</a></p>',
        text=f"{hello}\n\n{said}\n\n{link}\n",
        deadline=clock() + TRANSPORT_TIMEOUT.total_seconds(),
        class_="transactional",
    )
    try:
        transport.send(letter)
    except TransportError as error:
        return error.reason
    except OutcomeUnknownError:
        return words.gettext("it was handed over, and no answer came")
    return None
