"""docker-compose.yml and the Dockerfile keep to their schema and to what production needs.

Neither is started here: that takes a container engine.
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from engine.settings import PREFIX, Settings
from parcours.embedded.temporal import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {"web", "worker", "dispatcher", "schema"}
JOBS = {"schema", "temporal-schema", "temporal-namespace"}


def test_it_keeps_to_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec" / "schema.json").read_text("utf-8"))
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_the_schema_would_find_a_mistake() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec" / "schema.json").read_text("utf-8"))
    wrong = {"services": {"web": {"image": "x", "comand": ["web"]}}}
    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.Draft201909Validator(schema).validate(wrong)


def test_every_role_and_temporal_with_its_jobs_are_there() -> None:
    expected = {*OURS, *JOBS, "postgres", "temporal", "temporal-ui"}
    assert set(SERVICES) == expected


def test_all_that_stays_up_restarts_and_is_checked() -> None:
    staying = set(SERVICES) - JOBS
    for name in staying:
        assert SERVICES[name]["restart"] == "unless-stopped", name
    for name in staying - {"temporal-ui"}:
        assert SERVICES[name]["healthcheck"]["test"], name


def test_what_is_waited_for_can_come_true() -> None:
    for name, service in SERVICES.items():
        for other, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_completed_successfully":
                assert other in JOBS, name
            else:
                assert "healthcheck" in SERVICES[other], name


def test_our_roles_run_without_privileges() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "user" not in service, "the image's own user stays"
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last_stage = dockerfile.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER (?!0|root)", last_stage, re.MULTILINE)


OF_PROVIDERS = {"PARCOURS_SENDGRID_API_KEY", "PARCOURS_TWILIO_AUTH_TOKEN"}
"""Needed only where the provider is used: they may be empty."""


def test_no_secret_is_in_the_file() -> None:
    secret = re.compile(r"(PASSWORD|PWD|SECRET_KEY|API_KEY|TOKEN)$")
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if variable in OF_PROVIDERS:
                assert value == f"${{{variable}:-}}", f"{name}: {variable}"
            elif secret.search(variable):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {variable}"
            assert not re.search(r"://\w+:[^$]", str(value)), f"{name}: {variable}"


def test_nothing_is_published_beyond_this_machine_by_default() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert re.match(r"(\$\{\w+:-)?127\.0\.0\.1:", port), name
    assert COMPOSE["networks"]["inside"]["internal"]


def test_only_known_settings_are_set() -> None:
    for name in OURS:
        for variable in SERVICES[name]["environment"]:
            assert variable.removeprefix(PREFIX).lower() in Settings.model_fields, variable


def test_commands_are_the_products() -> None:
    from typer.main import get_command

    from parcours.cli import app

    commands = set(getattr(get_command(app), "commands", {}))
    for name in OURS:
        assert SERVICES[name]["command"][0] in commands


def test_temporal_is_set_up_as_it_has_to_stay() -> None:
    assert SERVICES["temporal"]["environment"]["NUM_HISTORY_SHARDS"] == "512"
    job = SERVICES["temporal-namespace"]
    (script,) = job["command"]
    for name, kind in SEARCH_ATTRIBUTES.items():
        assert f"{name}:{kind}" in script
    namespace = SERVICES["worker"]["environment"]["PARCOURS_TEMPORAL_NAMESPACE"]
    assert f"namespace create --namespace {namespace} " in script
    assert job["environment"]["TEMPORAL_NAMESPACE"] == namespace


def test_what_is_mounted_exists_and_volumes_are_declared() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            there = (
                (ROOT / source).is_file()
                if source.startswith("./")
                else source in COMPOSE["volumes"]
            )
            assert there, f"{name}: {mount}"


def test_what_the_pages_take_in_the_dispatcher_finds() -> None:
    web, dispatcher = SERVICES["web"], SERVICES["dispatcher"]
    folder = web["environment"]["PARCOURS_DATA_DIR"]
    assert dispatcher["environment"]["PARCOURS_DATA_DIR"] == folder
    assert web["volumes"] == dispatcher["volumes"] == [f"files:{folder}"]
    # A new volume belongs to whom the image says.
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"install -d -o parcours -g parcours -m 0700 {folder}" in dockerfile


def test_the_image_gets_what_it_copies() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line[0] == "!"
    }
    copied = re.findall(r"^COPY (?!--)(.+) \./$", dockerfile, re.MULTILINE)
    assert {name for names in copied for name in names.split()} <= allowed
    assert all((ROOT / name).exists() for name in allowed)
