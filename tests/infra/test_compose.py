"""compose.yaml is consistent with the image, the settings and the rules."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from apps.api.conf import WebSettings
from apps.telemetry.environment import EnvironmentSettings
from config.conf import PlatformSettings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
PULLED = {name: service for name, service in SERVICES.items() if "build" not in service}
ROLES = set(re.findall(r"^  ([a-z |]+)\)$", (ROOT / "platform/entrypoint").read_text(encoding="utf-8"), re.MULTILINE))
WORDS = {word.strip() for group in ROLES for word in group.split("|")}


def known_variables() -> set[str]:
    kinds: list[type[EnvironmentSettings]] = [PlatformSettings, *EnvironmentSettings.__subclasses__()]
    return {
        f"{kind.model_config.get('env_prefix', '')}{field}".upper() for kind in kinds for field in kind.model_fields
    }


@pytest.mark.parametrize("name", BUILT)
def test_a_built_service_runs_a_known_process(name: str) -> None:
    role, *rest = BUILT[name]["command"]
    assert role in WORDS
    commands = set(get_commands())
    if role == "manage":
        assert rest[0] in commands
    elif role in {"ingest", "lag", "migrate"}:
        assert role in commands


def test_the_web_servers_stop_grace_period_exceeds_its_request_timeout() -> None:
    assert int(SERVICES["web"]["stop_grace_period"].removesuffix("s")) > WebSettings().grace_s


def test_every_process_of_the_platform_runs() -> None:
    assert {"web", "worker", "beat", "ingest", "lag", "prepare"} <= {
        service["command"][0] for service in BUILT.values()
    }


@pytest.mark.parametrize("name", BUILT)
def test_a_built_service_is_read_only_and_unprivileged(name: str) -> None:
    service = BUILT[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["build"]["target"] in {"release", "demo"}


@pytest.mark.parametrize("name", BUILT)
def test_variables_are_read_by_the_settings(name: str) -> None:
    variables = set(BUILT[name]["environment"])
    assert variables
    assert variables <= known_variables()


@pytest.mark.parametrize("name", PULLED)
def test_a_pulled_service_has_a_health_check(name: str) -> None:
    assert PULLED[name]["healthcheck"]["test"][0] == "CMD"


def test_dependency_conditions_can_be_met() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for {other}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no"


def test_volumes_and_configs_match_their_declarations() -> None:
    mounts = {mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    volumes = {mount for mount in mounts if not mount.startswith("./")}
    assert all((ROOT / mount).is_dir() for mount in mounts - volumes)
    configs = {entry["source"] for service in SERVICES.values() for entry in service.get("configs", [])}
    assert volumes == set(COMPOSE["volumes"])
    assert configs == set(COMPOSE["configs"])


def test_secrets_come_from_the_environment_and_ports_are_local() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"PASSWORD|SECRET_KEY|_URL: postgresql", line):
            assert "${" in line, line
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_prometheus_scrapes_a_reachable_host() -> None:
    config = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert host in SERVICES
    assert SERVICES[host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert host in BUILT[host]["environment"]["ANDEN_ALLOWED_HOSTS"]
    assert f"EXPOSE {port}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_prometheus_accepts_its_configuration(require: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(COMPOSE["configs"]["prometheus"]["content"])
    done = subprocess.run([require("promtool"), "check", "config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_database_owner_is_not_a_superuser() -> None:
    statements = COMPOSE["configs"]["owner"]["content"]
    assert "CREATE ROLE anden_owner LOGIN CREATEROLE PASSWORD" in statements
    assert "SUPERUSER" not in statements


def test_prometheus_loads_the_rules_and_sets_their_external_labels() -> None:
    (folder,) = [mount.split(":") for mount in SERVICES["prometheus"]["volumes"] if mount.startswith("./")]
    assert list((ROOT / folder[0]).glob("*.rules.yaml"))
    document = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    assert document["rule_files"] == [f"{folder[1]}/*.rules.yaml"]
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / folder[0]).glob("*.rules.yaml"))
    assert set(re.findall(r"externalLabels\.(\w+)", rules)) == set(document["global"]["external_labels"])
    # AllTargetsDown matches jobs with this prefix.
    assert all(job["job_name"].startswith("anden") for job in document["scrape_configs"])
