"""A message's HTML by itself, for a frame in which it may do nothing."""

from typing import Final

from starlette.responses import HTMLResponse, Response

from designer.login.gate import HEADERS as OF_PAGES

HEADERS: Final = {
    # Whatever a template holds: nothing runs, nothing is sent, no other host is asked.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'none'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}


def framed(html: str) -> HTMLResponse:
    """Answer with HTML that nobody here has written."""
    return HTMLResponse(html, headers=HEADERS)


def frames_messages(response: Response, nonce: str) -> None:
    """Let a page hold messages in frames of its own, which have the page's policy.

    An email's own styles need the nonce, and its pictures are the shop's.
    """
    policy = OF_PAGES["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace(
        "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
    ).replace("img-src 'self'", "img-src 'self' https:")
