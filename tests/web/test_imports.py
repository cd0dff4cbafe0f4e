"""The pages of imports: a file is brought, its columns told, looked at, and carried out."""

import re
from typing import Any

import pytest

from engine.flow import importing
from engine.flow.imports import upload
from engine.settings import Settings
from engine.store.session import Database

CSV = "N° client;Date;Montant;Ville\n7;31.01.2025;1 234,50;Genève\n8;32.01.2025;2,00;Lyon\n"


@pytest.fixture
def csrf(visitor: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', visitor.get("/imports").text)
    assert found is not None
    return found[1]


def bring(visitor: Any, csrf: str, content: str | bytes, **more: Any) -> Any:
    asked = {"kind": "events", "name": "commandes.csv", **more}
    body = content.encode() if isinstance(content, str) else content
    headers = {"X-CSRF-Token": csrf, "Content-Type": "text/csv"}
    return visitor.post("/imports", params=asked, content=body, headers=headers)


def brought(visitor: Any, csrf: str, content: str, **more: Any) -> str:
    answer = bring(visitor, csrf, content, **more)
    assert answer.status_code == 201
    return str(answer.headers["location"])


def work(settings: Settings) -> None:
    database = Database(settings.database_url)
    folder = importing.Folder(settings.data_dir / "imports")
    while importing.portion(database, folder):
        pass
    database.close()


COLUMNS = {
    "to.0": "external_id", "as.0": "auto", "name.0": "",
    "to.1": "timestamp", "as.1": "dmy", "name.1": "",
    "to.2": "property", "as.2": "comma", "name.2": "total",
    "to.3": "property", "as.3": "auto", "name.3": "city",
    "event": "Order Completed",
}  # fmt: skip


def test_a_file_goes_from_its_columns_to_its_import(
    visitor: Any, csrf: str, shop_settings: Settings
) -> None:
    place = brought(visitor, csrf, CSV)
    page = visitor.get(place).text
    assert "What is in the columns?" in page
    assert "Genève" in page
    assert re.search(r'value="dmy" selected', page)
    answer = visitor.post(f"{place}/columns", data={**COLUMNS, "csrf": csrf})
    assert answer.headers["location"] == place
    assert "is being checked" in visitor.get(place).text
    work(shop_settings)
    page = visitor.get(place).text
    assert "1 row can be imported" in page
    assert "1 row cannot be read" in page
    assert "Date: … is no date like 31.01.2026" in page
    assert "What is in the columns?" in visitor.get(f"{place}?columns=true").text
    assert visitor.post(f"{place}/start", data={"csrf": csrf}).status_code == 303
    page = visitor.get(place).text
    assert "hx-trigger" in page
    work(shop_settings)
    page = visitor.get(place).text
    assert "1 row is imported." in page
    assert "hx-trigger" not in page
    rejected = visitor.get(f"{place}/rejects")
    assert rejected.json()["line"] == 3
    assert "commandes.rejected.jsonl" in rejected.headers["content-disposition"]
    assert "commandes.csv" in visitor.get("/imports").text
    assert visitor.post(f"{place}/start", data={"csrf": csrf}).status_code == 409
    answer = visitor.post(f"{place}/columns", data={**COLUMNS, "csrf": csrf})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("changed", "said", "place"),
    [
        ({"to.0": "ignore"}, "an id of hers", ""),
        ({"event": ""}, "Say which event the rows are", ""),
        ({"to.1": "ignore"}, "when it happened", ""),
        ({"name.2": ""}, "Give it a name", "wrong-2"),
        ({"name.3": "total"}, "is this already", "wrong-3"),
        ({"to.3": "id", "name.3": "Karte!"}, "small letters", "wrong-3"),
        ({"as.1": "comma"}, "how its dates are written", "wrong-1"),
        ({"to.2": "email"}, "cannot be imported here", "wrong-2"),
    ],
)
def test_what_is_wrong_with_the_columns_is_said_beside_them(
    visitor: Any, csrf: str, changed: dict[str, str], said: str, place: str
) -> None:
    address = brought(visitor, csrf, CSV)
    answer = visitor.post(f"{address}/columns", data={**COLUMNS, **changed, "csrf": csrf})
    assert answer.status_code == 422
    assert said in answer.text
    if place:
        assert f'aria-describedby="{place}"' in answer.text
        assert f'id="{place}"' in answer.text


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("", {}, "empty"),
        ("a,a\n1,2\n", {}, "twice"),
        (CSV, {"kind": "unicorns"}, "what the file is about"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(
    visitor: Any, csrf: str, content: str, more: dict[str, str], said: str
) -> None:
    answer = bring(visitor, csrf, content, **more)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/plain")
    assert said in answer.text


def test_a_file_that_is_too_large_is_not_kept(
    visitor: Any, csrf: str, shop_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("designer.imports.receiving.LIMIT", 1000)
    folder = shop_settings.data_dir / "imports"
    before = set(folder.iterdir())
    assert bring(visitor, csrf, b"x" * 1001).status_code == 413
    headers = {"X-CSRF-Token": csrf}
    chunks = (b"x" * 600 for _ in range(2))
    answer = visitor.post("/imports?kind=events&name=a", content=chunks, headers=headers)
    assert answer.status_code == 413
    assert set(folder.iterdir()) == before


def test_a_file_without_the_forms_token_is_refused(visitor: Any) -> None:
    assert bring(visitor, "", CSV).status_code == 403
    assert bring(visitor, "wrong", CSV).status_code == 403


def test_what_is_discarded_is_deleted(visitor: Any, csrf: str, shop_settings: Settings) -> None:
    place = brought(visitor, csrf, CSV)
    file = shop_settings.data_dir / "imports" / f"{place.rpartition('/')[2]}.file"
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    visitor.post(f"{place}/cancel", data={"csrf": csrf})
    assert not file.exists()
    assert "nothing was stored" in visitor.get(place).text


def test_lines_written_as_imports_are_need_no_columns(
    visitor: Any, csrf: str, shop_settings: Settings
) -> None:
    line = '{"userId": "import-9", "traits": {"email": "nine@example.com"}}\n'
    place = brought(visitor, csrf, line, kind="customers", name="a.jsonl")
    assert "nothing to assign" in visitor.get(place).text
    visitor.post(f"{place}/columns", data={"csrf": csrf})
    work(shop_settings)
    assert "1 new customer" in visitor.get(place).text
    assert "start_journeys" not in visitor.get(place).text


def test_an_import_that_failed_says_so_and_can_go_on(
    visitor: Any, csrf: str, shop_settings: Settings
) -> None:
    place = brought(visitor, csrf, CSV)
    visitor.post(f"{place}/columns", data={**COLUMNS, "csrf": csrf})
    file = shop_settings.data_dir / "imports" / f"{place.rpartition('/')[2]}.file"
    file.rename(file.with_suffix(".away"))
    work(shop_settings)
    page = visitor.get(place).text
    assert "need the same data folder" in page
    file.with_suffix(".away").rename(file)
    assert visitor.post(f"{place}/again", data={"csrf": csrf}).status_code == 303
    work(shop_settings)
    assert "What the check found" in visitor.get(place).text


def test_there_are_no_other_imports(visitor: Any, csrf: str) -> None:
    nobody = "/imports/00000000-0000-0000-0000-000000000000"
    assert visitor.get(nobody).status_code == 404
    assert visitor.get(f"{nobody}/rejects").status_code == 404
    assert visitor.post(f"{nobody}/start", data={"csrf": csrf}).status_code == 404


def test_the_limit_is_said(visitor: Any) -> None:
    page = visitor.get("/imports").text
    assert f'data-limit="{upload.LIMIT}"' in page
    assert "up to 2 GB" in page
