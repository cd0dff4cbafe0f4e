"""Which opens and clicks are machines'."""

import pytest

from engine.run.bots import Kind, is_machine

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize(
    ("kind", "agent", "ip", "seconds", "more", "reason"),
    [
        ("open", CHROME, "203.0.113.7", 60.0, {}, None),
        ("open", IPHONE, None, 1.0, {}, None),
        ("open", None, None, None, {}, None),
        ("open", GMAIL, "66.249.93.1", 600.0, {}, None),
        ("open", GMAIL, "66.249.93.1", 1.0, {}, "image_proxy"),
        ("open", "YahooMailProxy; https://help.yahoo.com", None, 0.5, {}, "image_proxy"),
        ("open", "Mozilla/5.0", "17.0.0.1", 600.0, {}, "apple_mail_privacy"),
        ("open", CHROME, None, 600.0, {"marked": True}, "provider"),
        ("click", CHROME, "203.0.113.7", 60.0, {}, None),
        ("click", CHROME, "not an address", 60.0, {}, None),
        ("click", "Mozilla/5.0", None, 60.0, {}, None),
        ("click", CHROME, None, 1.0, {}, "too_soon"),
        ("click", CHROME, None, None, {}, None),
        ("click", CHROME, None, 60.0, {"together": 2}, "links_together"),
        ("click", CHROME, None, 60.0, {"method": "HEAD"}, "head_request"),
        ("click", "BarracudaCentral", None, 60.0, {}, "link_scanner"),
        ("click", "Proofpoint URL Defense", None, 60.0, {}, "link_scanner"),
        ("click", CHROME, "40.107.22.1", 60.0, {}, "link_scanner"),
        ("click", CHROME, "::1", 60.0, {}, None),
        ("click", "python-requests/2.31", None, 60.0, {}, "program"),
        ("click", "Mozilla/5.0 (compatible; Googlebot/2.1)", None, 60.0, {}, "program"),
    ],
)
def test_is_machine(
    kind: Kind,
    agent: str | None,
    ip: str | None,
    seconds: float | None,
    more: dict[str, object],
    reason: str | None,
) -> None:
    assert is_machine(agent, ip, seconds, kind, **more) == reason  # type: ignore[arg-type]
