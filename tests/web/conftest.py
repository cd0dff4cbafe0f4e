"""The pages before a small shop, with a browser's cookies but no browser."""

import warnings
from collections.abc import Iterator

import pytest

from designer.app import create_app
from designer.login.links import login_link
from engine.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def shop_settings(shop_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.load(
        database_url=shop_url,
        data_dir=tmp_path_factory.mktemp("data"),
        public_url="http://testserver",
    )


@pytest.fixture
def stranger(shop_settings: Settings) -> Iterator[TestClient]:
    """A visitor who has not logged in."""
    with TestClient(create_app(shop_settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def visitor(stranger: TestClient, shop_settings: Settings) -> TestClient:
    """A visitor who has opened the link."""
    address = login_link(shop_settings).removeprefix("http://testserver")
    assert stranger.get(address).status_code == 303
    return stranger
