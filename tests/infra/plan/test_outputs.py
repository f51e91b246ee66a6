"""What the root on AWS says is what the cluster's root, Argo CD and the charts hear."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.gitops.argocd_model import annotations
from tests.infra.plans import ENVIRONMENTS, PLANS, Planner

# What is empty in each mode of PostgreSQL: who keeps the database keeps its backups, and Bitnami's chart makes none.
EMPTY: Final = {
    "rds": {"postgres_backups"},
    "cloudnativepg": {"postgres_address", "admin_secret_arn"},
    "bitnami": {"postgres_address", "admin_secret_arn", "postgres_backups"},
}


@pytest.mark.property(7)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_the_station_is_said_as_charts_hear_it(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    station = planned(environment, mode).outputs["station"]
    scalars = {key: value for key, value in station.items() if not isinstance(value, dict)}
    heard = annotations(environment, mode)
    assert {f"anden/{key.replace('_', '-')}" for key in scalars} == set(heard)
    assert station["environment"] == environment
    assert station["name"] == heard["anden/name"]
    assert station["postgres_mode"] == mode
    assert {key for key, value in scalars.items() if value is None} == EMPTY[mode]
    evidence(f"{environment}, {mode}: {len(scalars)} facts are said, and Argo CD's Secret has the same")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_names_that_the_charts_write_themselves_are_those_of_the_plan(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    station = plan.outputs["station"]
    assert station["celery_queue_name"] in {each["name"] for each in plan.of("aws_sqs_queue").values()}
    assert station["probe_secret_name"] in {each["name"] for each in plan.of("aws_secretsmanager_secret").values()}
    # Charts ask CloudWatch for the cluster of Kafka and for the database by the station's name.
    assert plan.only("aws_msk_cluster")["cluster_name"] == station["name"]
    assert plan.only("aws_db_instance")["identifier"] == station["name"]
