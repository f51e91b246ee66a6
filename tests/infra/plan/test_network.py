"""The planned VPC: public and private subnets in three zones, and their outbound routes."""

from collections.abc import Callable
from ipaddress import IPv4Network

import pytest

from tests.infra.plans import ENVIRONMENTS, Planner

# NAT gateways: a single one, or one per zone.
NAT = {"dev": 1, "prod": 3}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_private_and_public_subnets_share_the_vpc_without_overlap(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    vpc = IPv4Network(plan.only("aws_vpc")["cidr_block"])
    subnets = plan.of("aws_subnet").values()
    blocks = [IPv4Network(each["cidr_block"]) for each in subnets]
    assert len({each["availability_zone"] for each in subnets}) == 3
    assert len(blocks) == 6
    assert all(block.subnet_of(vpc) for block in blocks)
    assert not [one for one in blocks for other in blocks if one != other and one.overlaps(other)]


@pytest.mark.property(15)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nat_gateways_match_the_environment_and_are_in_public_subnets(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    gateways = planned(environment).of("aws_nat_gateway").values()
    assert len(gateways) == NAT[environment]
    assert all(each["subnet_id"].startswith("subnet-public-") for each in gateways)
    evidence(f"{environment}: {len(gateways)} NAT")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_private_subnet_has_its_route_table_and_an_s3_endpoint(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    (s3,) = (each for each in plan.of("aws_vpc_endpoint").values() if each["vpc_endpoint_type"] == "Gateway")
    assert s3["service_name"] == "com.amazonaws.eu-west-1.s3"
    associations = plan.of("aws_route_table_association").values()
    assert len({each["subnet_id"] for each in associations}) == 6
    routes = plan.of("aws_route").values()
    assert {each["destination_cidr_block"] for each in routes} == {"0.0.0.0/0"}
    assert len(routes) == 3


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_connections_are_logged(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    flow = plan.only("aws_flow_log")
    groups = {each.get("arn"): each["name"] for each in plan.of("aws_cloudwatch_log_group").values()}
    assert groups[flow["log_destination"]] == f"/anden-{environment}/vpc-flow"
    assert flow["traffic_type"] == {"dev": "REJECT", "prod": "ALL"}[environment]
