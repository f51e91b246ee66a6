"""Costs are limited: dev is cheap, a budget covers everything, and resources fit the free tier."""

from collections.abc import Callable
from typing import Final

import hcl2
import pytest

from tests.infra.charts import render, station
from tests.infra.plans import ENVIRONMENTS, ROOT, Planner

# HCP Terraform's free tier allows 500 managed resources per organization, for both environments and roots.
FREE: Final = 500
CLUSTERS: Final = 2 * 2  # each cluster root has two Helm releases


@pytest.mark.property(15)
def test_dev_is_as_cheap_as_possible(planned: Planner, evidence: Callable[[str], None]) -> None:
    plan = planned("dev")
    assert len(plan.of("aws_nat_gateway")) <= 1
    assert plan.only("aws_db_instance")["multi_az"] is False
    assert plan.of("aws_wafv2_web_acl") == {}
    assert [each["service_name"] for each in plan.of("aws_vpc_endpoint").values()] == ["com.amazonaws.eu-west-1.s3"]
    assert {each["capacity_type"] for each in plan.of("aws_eks_node_group").values()} == {"SPOT"}
    evidence("dev: one NAT, one zone for the database, no interface endpoint, no WAF, nodes on spot")


@pytest.mark.property(15)
def test_both_environments_fit_into_the_free_tier(planned: Planner, evidence: Callable[[str], None]) -> None:
    counts = {environment: len(planned(environment).resources) for environment in ENVIRONMENTS}
    assert all(counts.values())
    assert sum(counts.values()) + CLUSTERS < FREE
    summary = ", ".join(f"{environment} {count}" for environment, count in counts.items())
    evidence(f"{summary} resources; with the cluster roots below {FREE}")


@pytest.mark.property(15)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_budget_notifies_before_it_is_spent(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    budget = planned(environment).only("aws_budgets_budget")
    assert (budget["budget_type"], budget["time_unit"], budget["limit_unit"]) == ("COST", "MONTHLY", "USD")
    notifications = {(each["notification_type"], each["threshold"]) for each in budget["notification"]}
    assert {kind for kind, _ in notifications} == {"ACTUAL", "FORECASTED"}
    assert min(threshold for _, threshold in notifications) < 100
    assert all(each["subscriber_email_addresses"] == ["station@example.org"] for each in budget["notification"])
    evidence(f"{environment}: {budget['limit_amount']} USD a month, with {len(notifications)} notifications")


@pytest.mark.property(15)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_budget_covers_everything_that_is_started(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    name = f"anden-{environment}"
    (cost,) = plan.only("aws_budgets_budget")["cost_filter"]
    assert cost == {"name": "TagKeyValue", "values": [f"user:Station${name}"]}
    providers = hcl2.loads((ROOT / "terraform/aws/versions.tf").read_text(encoding="utf-8"))["provider"]
    assert len(providers) == 1
    assert [str(each).count("'Station': '${var.name}'") for each in providers] == [1]
    # Node group instances and volumes of claims do not inherit the provider's tags.
    tagged = {each["resource_type"]: each["tags"] for each in plan.only("aws_launch_template")["tag_specifications"]}
    assert {kind for kind, tags in tagged.items() if tags["Station"] == name} == {
        "instance",
        "volume",
        "network-interface",
    }
    (storage,) = render(ROOT / "charts/storage", station(environment))
    assert storage["parameters"]["tagSpecification_1"] == f"Station={name}"
    evidence(f"{environment}: the budget's tag is on all Terraform resources, on nodes, and on volumes of claims")
