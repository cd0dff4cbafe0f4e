"""What is public is documented: settings, commands, measurements, decisions."""

from pathlib import Path

import pytest
import typer

from engine.settings import PREFIX, Settings
from parcours.cli import app

ROOT = Path(__file__).parents[2]
GUIDES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_each_setting_is_in_the_operators_guide(field: str) -> None:
    assert f"`{PREFIX}{field.upper()}`" in GUIDES["operate.md"]


def _commands(group: object, before: str = "parcours") -> list[str]:
    names = []
    for name, command in getattr(group, "commands", {}).items():
        whole = f"{before} {name}"
        names += _commands(command, whole) if hasattr(command, "commands") else [whole]
    return names


def test_each_command_is_in_a_guide() -> None:
    commands = _commands(typer.main.get_command(app))
    assert "parcours up" in commands
    guides = " ".join(GUIDES.values())
    last_words = {command: command.split()[-1] for command in commands}
    missing = [
        command
        for command, last in last_words.items()
        if command not in guides and f"`{last}`" not in guides and f"{last}`" not in guides
    ]
    assert missing == []


def test_each_measurement_is_in_the_guide() -> None:
    for script in (ROOT / "bench").glob("[a-z]*.py"):
        assert f"bench/{script.name}" in GUIDES["benchmarks.md"]


def test_guides_point_to_what_is_there() -> None:
    import re

    pages = {**GUIDES, "../README.md": (ROOT / "README.md").read_text(encoding="utf-8")}
    for name, page in pages.items():
        for target in re.findall(r"\]\(([^)#:]+)\)", page):
            assert (ROOT / "docs" / name).parent.joinpath(target).exists(), (name, target)
