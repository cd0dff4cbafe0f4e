"""The records of the domain that mail is sent from: SPF, DKIM and DMARC.

Mailboxes look at them before they let a message in: RFC 7208, RFC 6376, RFC 7489; Google and Yahoo
have asked all three of bulk senders since February 2024.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from parcours.doctor.finding import Finding, unwise, well, wrong
from parcours.doctor.records import Records

_LOOK_UPS: Final = re.compile(r"[+?~-]?(include:|a\b|mx\b|ptr\b|exists:)|redirect=", re.IGNORECASE)
_MOST_LOOK_UPS: Final = 10


def look(
    domain: str,
    records: Records,
    *,
    include: str = "",
    selectors: Sequence[str] = (),
    signer: str = "",
    key: str = "",
) -> Iterator[Finding]:
    """Judge the records of a sending domain.

    `include` is the name that the provider asks into the SPF record, `selectors` are those under
    which messages are signed; without any, signing is the mail server's affair. `signer` is the
    domain in whose name they are, when it is another one, and `key` the public part of our own
    key, in base64.
    """
    yield spf(domain, records.text(domain), include)
    if not selectors:
        mend = "Sign with PARCOURS_DKIM_KEY, or make sure that your mail server signs"
        yield unwise("DKIM", f"not known under which selector mail of {domain} is signed", mend)
    for selector in selectors:
        name = f"{selector}._domainkey.{signer or domain}"
        yield dkim(name, records.text(name), key)
    if signer and not _related(signer, domain):
        mend = "Set PARCOURS_DKIM_DOMAIN to the domain of PARCOURS_EMAIL_FROM"
        yield unwise("DKIM", f"{signer} signs for {domain}, which does not help {domain}", mend)
    yield dmarc(domain, records)


def spf(domain: str, texts: Sequence[str], include: str = "") -> Finding:
    """Judge who may send in a domain's name."""
    found = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    offered = f'"v=spf1 {f"include:{include}" if include else "mx"} ~all"'
    if not found:
        return wrong("SPF", f"{domain} has no record", f"Add a TXT record at {domain}: {offered}")
    if len(found) > 1:
        mend = "Make one of them: a domain with several counts as having none"
        return wrong("SPF", f"{domain} has {len(found)} records", mend)
    terms = found[0].lower().split()[1:]
    every = next((term for term in terms if re.fullmatch(r"[+?~-]?all", term)), None)
    if every in {"all", "+all"}:
        return wrong("SPF", f"{domain} lets everybody send in its name", 'End it with "~all"')
    if sum(bool(_LOOK_UPS.match(term)) for term in terms) > _MOST_LOOK_UPS:
        mend = "Take out what is not used: mailboxes give up after ten"
        return wrong("SPF", f"{domain} asks for more than ten look-ups", mend)
    if include and f"include:{include}" not in {term.lstrip("+") for term in terms}:
        said = f"{domain} does not name {include}"
        return unwise("SPF", said, f'Put "include:{include}" into its record, before "all"')
    if every == "?all" or (every is None and not any(t.startswith("redirect=") for t in terms)):
        return unwise("SPF", f"{domain} does not say what of others", 'End it with "~all"')
    return well("SPF", f"{domain} says who sends for it")


def _related(one: str, other: str) -> bool:
    """Whether one of the domains is the other, or lies below it."""
    a, b = f".{one.lower()}", f".{other.lower()}"
    return a.endswith(b) or b.endswith(a)


def public_part(file: Path) -> str:
    """Return the public part of a private key in PEM, as a DKIM record has it."""
    key = load_pem_private_key(file.read_bytes(), password=None).public_key()
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def dkim(name: str, texts: Sequence[str], key: str = "") -> Finding:
    """Judge the key by which signatures are checked; `key` is the one that it should be."""
    found = next((tags for text in texts if "p" in (tags := _tags(text))), None)
    if found is None:
        mend = f'Add a TXT record at {name}: "v=DKIM1; k=rsa; p={key or "…"}"'
        mend += "" if key else " with the public key, or the CNAME that your provider shows"
        return wrong("DKIM", f"{name} is not there", mend)
    if not found["p"]:
        return wrong("DKIM", f"the key at {name} was withdrawn", "Sign under another selector")
    if key and re.sub(r"\s", "", found["p"]) != key:
        mend = f'Put our own there: "v=DKIM1; k=rsa; p={key}"'
        return wrong("DKIM", f"{name} has another key than PARCOURS_DKIM_KEY", mend)
    bits = _bits(found["p"]) if found.get("k", "rsa") == "rsa" else None
    if bits is not None and bits < 1024:
        mend = "Make a key of 2048 bits, and put its public part there"
        return wrong("DKIM", f"the key at {name} cannot be used ({bits} bits)", mend)
    if bits is not None and bits < 2048:
        mend = "Make a key of 2048 bits, and put its public part there"
        return unwise("DKIM", f"the key at {name} has only {bits} bits", mend)
    if "y" in found.get("t", "").split(":"):
        return unwise("DKIM", f"{name} says that it is a test", 'Take "t=y" out of it')
    return well("DKIM", f"{name} has a key")


def _bits(key: str) -> int:
    """Return the length of an RSA key, 0 when it cannot be read."""
    try:
        read = load_der_public_key(b64decode(re.sub(r"\s", "", key), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return 0
    return read.key_size if isinstance(read, RSAPublicKey) else 0


def dmarc(domain: str, records: Records) -> Finding:
    """Judge what mailboxes shall do with mail that fails; a parent domain's word holds too."""
    labels = domain.split(".")
    for n in range(max(1, len(labels) - 1)):
        at = "_dmarc." + ".".join(labels[n:])
        found = [text for text in records.text(at) if text.lower().startswith("v=dmarc1")]
        if found:
            return _policy(at, found)
    offered = f'"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
    mend = f"Add a TXT record at _dmarc.{domain}: {offered}"
    return wrong("DMARC", f"{domain} has no record", mend)


def _policy(at: str, found: Sequence[str]) -> Finding:
    if len(found) > 1:
        return wrong("DMARC", f"{at} has {len(found)} records", "Leave one of them")
    policy = _tags(found[0]).get("p", "").lower()
    if policy not in {"none", "quarantine", "reject"}:
        mend = 'Give it "p=none", "p=quarantine" or "p=reject"'
        return wrong("DMARC", f"{at} has no policy", mend)
    said = f"{at} says {policy}"
    return well("DMARC", f"{said}, which only watches" if policy == "none" else said)


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
