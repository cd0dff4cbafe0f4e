"""Signatures under mails (RFC 6376), for a mail server that does not sign itself."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dkim

from engine.errors import InvalidInput

_SIGNED: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"content-transfer-encoding",
    # Without these two under the signature, mailboxes offer no one-click (RFC 8058, 4).
    b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs in the name of `domain`, whose DNS holds the key at `selector`._domainkey."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    @classmethod
    def load(cls, key: Path, selector: str, domain: str) -> "Signer":
        """Read the key, and try it.

        Raises:
            InvalidInput: the file holds no RSA key in PEM, or a name cannot be one.
        """
        try:
            signer = cls(
                domain=domain.encode("idna").decode(), selector=selector, key=key.read_bytes()
            )
            signer.signature(b"From: nobody@localhost\r\n\r\n\r\n")
        except (OSError, ValueError, dkim.DKIMException) as error:
            raise InvalidInput(
                f"PARCOURS_DKIM_KEY: {key} cannot sign ({type(error).__name__}); it has to be an "
                "RSA key in PEM, as `openssl genrsa 2048` makes it."
            ) from None
        return signer

    def signature(self, mail: bytes) -> bytes:
        """Return the header, with its line's end, that goes above `mail`."""
        head = mail.partition(b"\r\n\r\n")[0].lower()
        there = {line.partition(b":")[0] for line in head.split(b"\r\n")}
        header: bytes = dkim.sign(
            mail,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name for name in _SIGNED if name in there],
        )
        return header
