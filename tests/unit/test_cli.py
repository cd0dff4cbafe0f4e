"""The command line says what is wrong in a sentence, starts light, and keeps its exit codes."""

import subprocess
import sys

import pytest

from engine.errors import Conflict, InvalidInput
from parcours import cli

HEAVY = {"alembic", "fastapi", "jinja2", "psycopg", "sqlalchemy", "sqlmodel", "temporalio"}


def test_it_starts_without_what_is_heavy() -> None:
    code = "import sys, parcours.cli; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert HEAVY.isdisjoint(done.stdout.split())


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["parcours", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_bad_usage_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "no-such-noun") == 2
    assert run(monkeypatch, "up", "--port", "0") == 2
    assert run(monkeypatch, "up", "--processes", "none") == 2


def test_the_version_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("parcours ")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Conflict("Two cannot."), 1, "Two cannot.\n"),
        (InvalidInput("Not so."), 2, "Not so.\n"),
        (FileNotFoundError(2, "No such file or directory", "x.yaml"), 1, "x.yaml: No such file"),
        (ZeroDivisionError("division"), 1, "Unexpected ZeroDivisionError: division (--debug"),
    ],
)
def test_an_error_is_a_sentence_and_debug_shows_where(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    said: str,
) -> None:
    def fail(_arguments: list[str]) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert run(monkeypatch, "up") == code
    assert capsys.readouterr().err.startswith(said)
    assert run(monkeypatch, "up", "--debug") == code
    assert "Traceback" in capsys.readouterr().err
