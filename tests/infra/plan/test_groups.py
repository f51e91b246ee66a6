"""The planned security groups: rules from group to group, on the ports in use."""

import json
from collections.abc import Callable

import pytest

from tests.infra.plans import ENVIRONMENTS, Plan, Planner, Values

Flow = tuple[str, str, int | None]
FLOWS: set[Flow] = {
    ("link", "balancer", 443),
    ("function", "balancer", 443),
    ("balancer", "nodes", 8000),
    ("nodes", "postgres", 5432),
    ("nodes", "kafka", 9098),
    ("kafka", "kafka", None),
    ("nodes", "nodes", None),
}


def flow(rule: Values, source: str, target: str) -> Flow:
    return rule[source].removeprefix("sg-"), rule[target].removeprefix("sg-"), rule["from_port"]


def ingress(plan: Plan) -> list[Values]:
    return list(plan.of("aws_vpc_security_group_ingress_rule").values())


def egress(plan: Plan) -> list[Values]:
    return list(plan.of("aws_vpc_security_group_egress_rule").values())


@pytest.mark.property(5)
@pytest.mark.property(14)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_security_groups_admit_the_groups_that_call_them(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    let_in = {
        flow(each, "referenced_security_group_id", "security_group_id")
        for each in ingress(plan)
        if each["referenced_security_group_id"]
    }
    let_out = {
        flow(each, "security_group_id", "referenced_security_group_id")
        for each in egress(plan)
        if each["referenced_security_group_id"]
    }
    assert let_in == let_out
    assert let_in >= FLOWS
    assert {each for each in let_in - FLOWS if each[0] != "function"} == set()
    assert all(each["from_port"] == each["to_port"] for each in (*ingress(plan), *egress(plan)))
    evidence(f"{environment}: {len(let_in)} flows between groups, with matching ingress and egress rules")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_cidr_rules_admit_only_endpoints_and_outbound_https(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    cidr = plan.only("aws_vpc")["cidr_block"]
    wide = [each for each in ingress(plan) if not each["referenced_security_group_id"]]
    assert {(each["security_group_id"], each["cidr_ipv4"], each["from_port"]) for each in wide} <= {
        ("sg-endpoints", cidr, 443)
    }
    out = [each for each in egress(plan) if not each["referenced_security_group_id"]]
    assert {(each["security_group_id"], each["cidr_ipv4"], each["from_port"]) for each in out} == {
        ("sg-nodes", "0.0.0.0/0", 443),
        ("sg-function", "0.0.0.0/0", 443),
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_security_group_is_used(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    groups = {each["id"] for each in plan.of("aws_security_group").values()}
    rules = {"aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"}
    others = json.dumps([each.values for each in plan.resources if each.type not in rules])
    assert groups
    assert {group for group in groups if f'"{group}"' not in others} == set()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_default_group_is_empty(planned: Planner, environment: str) -> None:
    default = planned(environment).only("aws_default_security_group")
    assert not default.get("ingress")
    assert not default.get("egress")
