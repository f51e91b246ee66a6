"""Outputs of the AWS root match what the cluster root, Argo CD and the charts read."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.gitops.argocd_model import annotations
from tests.infra.plans import ENVIRONMENTS, PLANS, Planner

# Outputs that are null in each PostgreSQL mode: RDS stores its own backups, and Bitnami's chart has none.
EMPTY: Final = {
    "rds": {"postgres_backups"},
    "cloudnativepg": {"postgres_address", "admin_secret_arn"},
    "bitnami": {"postgres_address", "admin_secret_arn", "postgres_backups"},
}


@pytest.mark.property(7)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_the_station_output_matches_the_cluster_secret(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    station = planned(environment, mode).outputs["station"]
    scalars = {key: value for key, value in station.items() if not isinstance(value, dict)}
    annotated = annotations(environment, mode)
    assert {f"anden/{key.replace('_', '-')}" for key in scalars} == set(annotated)
    assert station["environment"] == environment
    assert station["name"] == annotated["anden/name"]
    assert station["postgres_mode"] == mode
    assert {key for key, value in scalars.items() if value is None} == EMPTY[mode]
    evidence(f"{environment}, {mode}: {len(scalars)} outputs match the annotations of Argo CD's Secret")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_names_written_in_charts_match_the_plan(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    station = plan.outputs["station"]
    assert station["celery_queue_name"] in {each["name"] for each in plan.of("aws_sqs_queue").values()}
    assert station["probe_secret_name"] in {each["name"] for each in plan.of("aws_secretsmanager_secret").values()}
    # Charts use the installation's name for the Kafka cluster and the database in CloudWatch.
    assert plan.only("aws_msk_cluster")["cluster_name"] == station["name"]
    assert plan.only("aws_db_instance")["identifier"] == station["name"]
