"""Opens and clicks that no person made: prefetching proxies and scanners of links.

Each rule names where its fact comes from. What cannot be told apart from a person counts as one.
"""

from ipaddress import ip_address, ip_network
from typing import Final, Literal

Kind = Literal["open", "click"]

PREFETCHED: Final = 5.0
"""Seconds within which an image proxy's fetch is a prefetch, and not somebody's reading."""

TOO_SOON: Final = 2.0
"""Seconds after delivery within which nobody has read a message and chosen a link."""

_APPLE: Final = "mozilla/5.0"
# Apple's Mail Privacy Protection loads every image through Apple's proxies, read or not, and
# names itself by these two words alone (Word to the Wise, "Apple MPP", September 2021).

_IMAGE_PROXIES: Final = ("googleimageproxy", "yahoomailproxy")
# Gmail and Yahoo load images through proxies of these names, mostly when the message is opened
# (Gmail help, "Images in Gmail"; Yahoo Sender Hub), so a fetch counts unless it comes at once.

_SCANNERS: Final = (
    "barracuda",  # Barracuda Email Gateway Defense: BarracudaCentral, Barracuda Sentinel
    "proofpoint",  # Proofpoint URL Defense
    "mimecast",  # Mimecast URL Protect
    "safelinks",  # Microsoft Defender for Office 365
    "symantec",  # Symantec (Broadcom) Email Security.cloud
    "messagelabs",
    "cloudmark",
    "ciscosecureemail",  # Cisco Secure Email, once IronPort
    "ironport",
    "trendmicro",  # Trend Micro Email Security
    "forcepoint",
    "fireeye",
    "sophos",
    "fortinet",  # FortiMail
    "checkpoint",
    "vadesecure",
    "bitdefender",
    "zscaler",
)
# The names that mail gateways give when they look where links lead (each vendor's documentation).

_PROGRAMS: Final = (
    "headlesschrome",
    "phantomjs",
    "python-requests",
    "python-urllib",
    "aiohttp",
    "curl/",
    "wget/",
    "go-http-client",
    "apache-httpclient",
    "okhttp",
    "java/",
    "libwww-perl",
    "bot/",
    "bot;",
    "crawler",
    "spider",
    "slackbot",
    "facebookexternalhit",
    "skypeuripreview",
    "whatsapp/",
    "telegrambot",
    "linkpreview",
)
# Libraries, crawlers and the previews of chats; none of them is a browser.

_NETWORKS: Final = tuple(
    map(
        ip_network,
        (
            # Exchange Online Protection, which also fetches for Safe Links (Microsoft 365 URLs and
            # IP address ranges, ids 9 and 10).
            "40.92.0.0/15",
            "40.107.0.0/16",
            "52.100.0.0/14",
            "104.47.0.0/17",
            # Barracuda Email Gateway Defense (Barracuda Campus, IP ranges for configuration).
            "64.235.144.0/20",
            "209.222.80.0/21",
            # Proofpoint Essentials (Proofpoint, connection details).
            "67.231.144.0/20",
            "148.163.128.0/19",
        ),
    )
)


def is_machine(
    user_agent: str | None,
    ip: str | None,
    seconds_since_sent: float | None,
    kind: Kind,
    *,
    method: str = "GET",
    marked: bool = False,
    together: int = 1,
) -> str | None:
    """Return why an open or click is a machine's, or None when it may be a person's.

    `seconds_since_sent` counts from the delivery where that is known. `marked` is the provider's
    own judgement (SendGrid's `sg_machine_open`). `together` is how many different links of the
    message were followed within this second.
    """
    agent = (user_agent or "").strip().lower()
    if marked:
        return "provider"
    if method == "HEAD":  # browsers ask so for no page; scanners do, to see where a link leads
        return "head_request"
    if any(name in agent for name in _SCANNERS) or _is_scanner(ip):
        return "link_scanner"
    if any(name in agent for name in _PROGRAMS):
        return "program"
    seconds = seconds_since_sent if seconds_since_sent is not None else float("inf")
    if kind == "open":
        if agent == _APPLE:
            return "apple_mail_privacy"
        if seconds < PREFETCHED and any(name in agent for name in _IMAGE_PROXIES):
            return "image_proxy"
        return None
    if together > 1:
        return "links_together"
    return "too_soon" if seconds < TOO_SOON else None


def _is_scanner(ip: str | None) -> bool:
    try:
        address = ip_address(ip or "")
    except ValueError:
        return False
    return any(address in network for network in _NETWORKS)
