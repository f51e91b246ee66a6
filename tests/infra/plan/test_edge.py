"""The planned edge: what is reachable from the internet, and the limits."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.infra.plan.permissions import listed
from tests.infra.plans import ENVIRONMENTS, Plan, Planner

LONGEST_MS: Final = 30_000  # HTTP APIs' limit
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def routes(plan: Plan) -> dict[str, str]:
    """Integration by route."""
    found = plan.of("aws_apigatewayv2_route").values()
    return {each["route_key"]: each["target"].removeprefix("integrations/") for each in found}


def takes(route: str, path: str) -> bool:
    """Whether the route matches the path."""
    if route == "$default":
        return True
    pattern = re.escape(route.split(" ", 1)[1]).replace(r"\{proxy\+\}", ".+")
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), path) is not None


def forwards(plan: Plan, path: str) -> bool:
    """Whether the load balancer forwards the path to web pods."""
    (condition,) = plan.only("aws_lb_listener_rule")["condition"]
    (pattern,) = condition["path_pattern"]
    return any(re.fullmatch(re.escape(each).replace(r"\*", ".*"), path) for each in pattern["values"])


def paths() -> Iterator[str]:
    """A sample path of each URL pattern in Django."""
    for pattern in _patterns(get_resolver("config.urls").url_patterns):
        yield "/" + re.sub(r"<[^>]+>", "x", pattern)


def _patterns(patterns: list[Any], before: str = "") -> Iterator[str]:
    for each in patterns:
        here = before + str(each.pattern).lstrip("^").rstrip("$")
        if isinstance(each, URLResolver):
            yield here
            yield from _patterns(each.url_patterns, here)
        elif isinstance(each, URLPattern) and "(" not in here:
            yield here


@pytest.mark.property(14)
@each_environment
def test_the_gateway_reaches_only_the_load_balancer_and_the_function(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    balancer, listener = plan.only("aws_lb"), plan.only("aws_lb_listener")
    assert balancer["internal"] is True
    assert all(subnet.startswith("subnet-private-") for subnet in balancer["subnets"])
    assert listener["load_balancer_arn"] == balancer["arn"]
    found = {each["id"]: each for each in plan.of("aws_apigatewayv2_integration").values()}
    assert set(found) == set(routes(plan).values())
    assert (found["web"]["integration_type"], found["web"]["connection_type"]) == ("HTTP_PROXY", "VPC_LINK")
    assert found["web"]["integration_uri"] == listener["arn"]
    assert found["web"]["connection_id"] == plan.only("aws_apigatewayv2_vpc_link")["id"]
    functions = {each["invoke_arn"] for each in plan.of("aws_lambda_function").values()}
    others = [each for name, each in found.items() if name != "web"]
    assert others
    assert all(each["integration_type"] == "AWS_PROXY" for each in others)
    assert {each["integration_uri"] for each in others} <= functions
    evidence(
        f"{environment}: {len(routes(plan))} routes, to the internal load balancer by VPC link or to the function"
    )


@pytest.mark.property(14)
@each_environment
def test_tls_is_used_and_verified_up_to_the_load_balancer(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    host = f"api.{plan.outputs['station']['domain']}"
    certificate, listener = plan.only("aws_acm_certificate"), plan.only("aws_lb_listener")
    domain = plan.only("aws_apigatewayv2_domain_name")
    (configuration,) = domain["domain_name_configuration"]
    web = plan.of("aws_apigatewayv2_integration")["module.edge.aws_apigatewayv2_integration.web"]
    assert {certificate["domain_name"], domain["domain_name"]} == {host}
    assert web["tls_config"] == [{"server_name_to_verify": host}]
    assert web["request_parameters"]["overwrite:header.Host"] == host
    assert {listener["certificate_arn"], configuration["certificate_arn"]} == {certificate["arn"]}
    assert (listener["protocol"], listener["port"]) == ("HTTPS", 443)
    assert listener["ssl_policy"].startswith("ELBSecurityPolicy-TLS13-1-2-")
    assert configuration["security_policy"] == "TLS_1_2"
    assert plan.only("aws_apigatewayv2_api")["disable_execute_api_endpoint"] is True
    evidence(f"{environment}: {host} on the gateway, verified again on the load balancer, TLS 1.2 or newer")


@pytest.mark.property(14)
@each_environment
def test_the_api_is_public_and_admin_metrics_and_probes_are_not(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    known = set(paths())
    inside = {path for path in known if not path.startswith("/api/")}
    assert {"/admin/", "/metrics", "/healthz", "/readyz"} <= inside
    assert "/api/v1/datasets" in known
    let_in = {path for path in known if any(takes(route, path) for route in routes(plan))}
    assert let_in - {"/api/"} == known - inside - {"/api/"}
    assert {path for path in inside if forwards(plan, path)} == set()
    assert {path for path in known - inside if not forwards(plan, path)} == set()
    assert [each["type"] for each in plan.only("aws_lb_listener")["default_action"]] == ["fixed-response"]
    evidence(f"{environment}: {len(known - inside)} paths below /api/ are public, {len(inside)} others are not")


@pytest.mark.property(14)
@each_environment
def test_the_edge_is_throttled_logged_and_bounded_in_time(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    stage = plan.only("aws_apigatewayv2_stage")
    (limits,) = stage["default_route_settings"]
    assert 0 < limits["throttling_rate_limit"] <= limits["throttling_burst_limit"]
    (log,) = stage["access_log_settings"]
    groups = {each.get("arn"): each for each in plan.of("aws_cloudwatch_log_group").values()}
    assert groups[log["destination_arn"]]["name"].endswith("/api-access")
    written = json.loads(log["format"])
    assert {"address", "route", "status", "request"} <= set(written)
    assert not [each for each in written.values() if "querystring" in each.lower() or "header" in each.lower()]
    integrations = plan.of("aws_apigatewayv2_integration").values()
    assert all(0 < each["timeout_milliseconds"] < LONGEST_MS for each in integrations)
    functions = plan.of("aws_lambda_function").values()
    assert all(each["timeout"] * 1000 < LONGEST_MS for each in functions)
    assert all(0 < each["reserved_concurrent_executions"] <= 100 for each in functions)
    evidence(
        f"{environment}: {limits['throttling_rate_limit']} requests a second, logged without query or headers, "
        f"{max(each['timeout_milliseconds'] for each in integrations)} ms at most"
    )


@pytest.mark.property(14)
@each_environment
def test_only_the_gateway_and_the_schedule_call_the_function(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    permissions = {each["principal"]: each for each in plan.of("aws_lambda_permission").values()}
    assert set(permissions) == {"apigateway.amazonaws.com", "events.amazonaws.com"}
    gateway, rule = plan.only("aws_apigatewayv2_api"), plan.only("aws_cloudwatch_event_rule")
    source = permissions["apigateway.amazonaws.com"]["source_arn"]
    assert source == f"{gateway['execution_arn']}/*/GET/station"
    assert permissions["events.amazonaws.com"]["source_arn"] == rule["arn"]


@pytest.mark.property(14)
def test_in_prod_one_ip_address_cannot_use_all_capacity(planned: Planner, evidence: Callable[[str], None]) -> None:
    plan = planned("prod")
    firewall = plan.only("aws_wafv2_web_acl")
    association = plan.only("aws_wafv2_web_acl_association")
    assert association == association | {"resource_arn": plan.only("aws_lb")["arn"], "web_acl_arn": firewall["arn"]}
    rules = {each["name"]: each for each in firewall["rule"]}
    (statement,) = rules["rate-limit-per-ip"]["statement"]
    (rate,) = statement["rate_based_statement"]
    assert rate["aggregate_key_type"] == "FORWARDED_IP"
    # The gateway overwrites the header, so callers cannot fake their IP address.
    (forwarded,) = rate["forwarded_ip_config"]
    web = plan.of("aws_apigatewayv2_integration")["module.edge.aws_apigatewayv2_integration.web"]
    written = web["request_parameters"][f"overwrite:header.{forwarded['header_name']}"]
    assert written == "$context.identity.sourceIp"
    assert rules["rate-limit-per-ip"]["action"][0]["block"] != []
    logging = plan.only("aws_wafv2_web_acl_logging_configuration")
    groups = {each.get("arn"): each["name"] for each in plan.of("aws_cloudwatch_log_group").values()}
    assert [groups[arn] for arn in listed(logging["log_destination_configs"])] == ["aws-waf-logs-anden-prod"]
    hidden = logging["redacted_fields"]
    assert [name["name"] for each in hidden for name in each["single_header"]] == ["authorization"]
    assert any(each["query_string"] for each in hidden)
    evidence(
        f"prod: WAF blocks an IP address above {rate['limit']} requests in five minutes, and logs blocked requests"
    )
