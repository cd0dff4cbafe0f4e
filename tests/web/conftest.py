"""The pages before a small shop, with a browser's cookies but no browser."""

import sys
import warnings
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from designer.app import create_app
from designer.login.links import login_link
from engine.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient


def _shop() -> ModuleType:
    path = Path(__file__).parents[1] / "browser" / "shop.py"
    spec = spec_from_file_location("parcours_test_shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def _filled(postgres_url: str) -> Iterator[tuple[ModuleType, str]]:
    shop = _shop()
    with shop.filled(postgres_url) as url:
        yield shop, url


@pytest.fixture(scope="module")
def shop_url(_filled: tuple[ModuleType, str]) -> Iterator[str]:
    """A database that holds the shop, for one module: its tests may add to it."""
    shop, filled = _filled
    with shop.copied(filled) as url:
        yield url


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
