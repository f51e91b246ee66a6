"""The planned log groups: each has a retention, and every service writes to one of them."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.plans import ENVIRONMENTS, Planner

MAX_DAYS: Final = {"dev": 14, "prod": 365}
GROUPS: Final = {
    "/{name}/vpc-flow",
    "/{name}/kafka",
    "/{name}/api-access",
    "/aws/eks/{name}/cluster",
    "/aws/lambda/{name}-probe",
    "/aws/rds/instance/{name}/postgresql",
    "/aws/rds/instance/{name}/upgrade",
}


@pytest.mark.property(15)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_log_group_has_a_retention_within_the_limit(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    days = {each["name"]: each["retention_in_days"] for each in plan.of("aws_cloudwatch_log_group").values()}
    assert {name: kept for name, kept in days.items() if not 0 < kept <= MAX_DAYS[environment]} == {}
    assert {each.format(name=f"anden-{environment}") for each in GROUPS} <= set(days)
    evidence(f"{environment}: {len(days)} log groups, at most {max(days.values())} days")


@pytest.mark.property(15)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_services_log_to_groups_with_a_retention(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    groups = {each["name"] for each in plan.of("aws_cloudwatch_log_group").values()}
    (brokers,) = plan.only("aws_msk_cluster")["logging_info"][0]["broker_logs"]
    assert [each["log_group"] for each in brokers["cloudwatch_logs"] if each["enabled"]] == [
        f"/anden-{environment}/kafka"
    ]
    database = plan.only("aws_db_instance")
    written = {
        f"/aws/rds/instance/{database['identifier']}/{each}" for each in database["enabled_cloudwatch_logs_exports"]
    }
    written |= {f"/aws/lambda/{each['function_name']}" for each in plan.of("aws_lambda_function").values()}
    assert written <= groups
