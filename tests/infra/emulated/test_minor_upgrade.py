"""After AWS has raised the database's minor version or storage, the next plan keeps them.

Separate from the test of dev, because the AWS provider waits for minutes for an instance.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.infra.emulated.database import BackgroundApply
from tests.infra.emulated.emulator import Emulator
from tests.infra.mirror import terraform

# Attributes that the emulator does not store, so that each plan would write them.
NOT_EMULATED: Final = {
    "ca_cert_identifier",
    "enabled_cloudwatch_logs_exports",
    "monitoring_interval",
    "monitoring_role_arn",
    "performance_insights_enabled",
    "performance_insights_kms_key_id",
    "performance_insights_retention_period",
}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def database(background_apply: BackgroundApply) -> tuple[Emulator, Path]:
    """The module, applied."""
    return background_apply.wait()


def run(cloud: Emulator, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [terraform(), *arguments, "-no-color"],
        cwd=folder,
        env=cloud.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def planned_changes(cloud: Emulator, folder: Path) -> dict[str, tuple[Any, Any]]:
    """Arguments of the instance that a plan would change, as (before, after)."""
    run(cloud, folder, "plan", "-input=false", "-out=again")
    plan = json.loads(run(cloud, folder, "show", "-json", "again"))
    (change,) = (one["change"] for one in plan["resource_changes"] if one["type"] == "aws_db_instance")
    assert "delete" not in change["actions"]
    before, after = change["before"], change["after"]
    return {name: (before[name], after[name]) for name in after if before.get(name) != after[name]}


@pytest.mark.property(12)
@pytest.mark.parametrize(("minor", "disk_gib"), [(None, 50), ("17.9", 50), ("17.12", 65)])
def test_a_plan_keeps_what_aws_has_raised(
    database: tuple[Emulator, Path], minor: str | None, disk_gib: int, evidence: Callable[[str], None]
) -> None:
    cloud, folder = database
    rds = cloud.client("rds")
    if minor is not None:
        arguments = {"EngineVersion": minor, "AllocatedStorage": disk_gib}
        rds.modify_db_instance(DBInstanceIdentifier="harbour", ApplyImmediately=True, **arguments)
    (instance,) = rds.describe_db_instances()["DBInstances"]
    assert (instance["EngineVersion"], instance["AllocatedStorage"]) == (minor or "17", disk_gib)
    assert instance["AutoMinorVersionUpgrade"] is True
    found = planned_changes(cloud, folder)
    assert set(found) <= NOT_EMULATED, found
    evidence(f"the database at {instance['EngineVersion']}, {disk_gib} GiB: the next plan changes neither")


def test_an_exact_version_would_be_downgraded(database: tuple[Emulator, Path]) -> None:
    """Control: RDS would reject the downgrade and fail every apply."""
    cloud, folder = database
    rds = cloud.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier="harbour", EngineVersion="17.9", ApplyImmediately=True)
    main = folder / "postgres/main.tf"
    text = main.read_text(encoding="utf-8")
    assert "engine_version = var.engine_version" in text
    main.write_text(
        text.replace("engine_version = var.engine_version", 'engine_version = "17.6"', 1), encoding="utf-8"
    )
    try:
        assert planned_changes(cloud, folder)["engine_version"][1] == "17.6"
    finally:
        main.write_text(text, encoding="utf-8")
