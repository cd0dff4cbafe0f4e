"""Where providers call back, as strangers find it in the whole application."""

from typing import Any

import pytest


@pytest.mark.parametrize("provider", ["sendgrid", "twilio", "shopify", "prestashop"])
def test_nobody_is_expected_until_a_provider_is_set_up(
    stranger: Any, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = stranger.post(f"/hooks/{provider}", content=b"[]")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert f"PARCOURS_{provider.upper()}" in caplog.text
    assert stranger.get(f"/hooks/{provider}").status_code == 405
