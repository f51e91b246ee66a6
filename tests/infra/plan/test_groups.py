"""Security groups as they are planned: from group to group, on the ports that something listens on."""

import json
from collections.abc import Callable

import pytest

from tests.infra.plans import ENVIRONMENTS, Plan, Planner, Values

Way = tuple[str, str, int | None]
WAYS: set[Way] = {
    ("link", "balancer", 443),
    ("function", "balancer", 443),
    ("balancer", "nodes", 8000),
    ("nodes", "postgres", 5432),
    ("nodes", "kafka", 9098),
    ("kafka", "kafka", None),
    ("nodes", "nodes", None),
}


def way(rule: Values, source: str, target: str) -> Way:
    return rule[source].removeprefix("sg-"), rule[target].removeprefix("sg-"), rule["from_port"]


def ingress(plan: Plan) -> list[Values]:
    return list(plan.of("aws_vpc_security_group_ingress_rule").values())


def egress(plan: Plan) -> list[Values]:
    return list(plan.of("aws_vpc_security_group_egress_rule").values())


@pytest.mark.property(5)
@pytest.mark.property(14)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_groups_let_in_the_groups_that_call_them(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    let_in = {
        way(each, "referenced_security_group_id", "security_group_id")
        for each in ingress(plan)
        if each["referenced_security_group_id"]
    }
    let_out = {
        way(each, "security_group_id", "referenced_security_group_id")
        for each in egress(plan)
        if each["referenced_security_group_id"]
    }
    assert let_in == let_out
    assert let_in >= WAYS
    assert {each for each in let_in - WAYS if each[0] != "function"} == set()
    assert all(each["from_port"] == each["to_port"] for each in (*ingress(plan), *egress(plan)))
    evidence(f"{environment}: {len(let_in)} ways from group to group, each the same out and in")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_networks_are_let_in_to_endpoints_alone_and_out_on_https_alone(planned: Planner, environment: str) -> None:
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
def test_each_group_is_on_something(planned: Planner, environment: str) -> None:
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
