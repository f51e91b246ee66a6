"""Every alarm and alert has an existing metric, a working action and a runbook."""

from collections.abc import Callable
from typing import Final

import pytest

from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.monitoring.alerts.alert import RecordingRule, runbook_name
from apps.monitoring.alerts.aws import AWS_ALERTS
from apps.monitoring.alerts.catalogue import ALERTS, RULE_FILES
from apps.monitoring.third_party_metrics import (
    CERTIFICATE_EXPIRY,
    DEPLOYMENT_AVAILABLE,
    DEPLOYMENT_REPLICAS,
    EXPORTER_OF,
    VOLUME_AVAILABLE,
    VOLUME_CAPACITY,
)
from apps.telemetry.metric import Metric
from tests.infra.plan.permissions import listed, statements
from tests.infra.plans import ENVIRONMENTS, ROOT, Plan, Planner, Values
from tests.unit.telemetry.test_metric import declared

# Plan attribute that holds the value of each alarm dimension.
NAMED_BY: Final = {
    "DBInstanceIdentifier": ("aws_db_instance", "identifier"),
    "Cluster Name": ("aws_msk_cluster", "cluster_name"),
    "LoadBalancer": ("aws_lb", "arn_suffix"),
    "TargetGroup": ("aws_lb_target_group", "arn_suffix"),
    "ApiId": ("aws_apigatewayv2_api", "id"),
    "Stage": ("aws_apigatewayv2_stage", "name"),
    "FunctionName": ("aws_lambda_function", "function_name"),
    "CertificateArn": ("aws_acm_certificate", "arn"),
}
# Metrics of the kubelet and blackbox_exporter, which no dashboard shows.
ALERTS_ALONE: Final = {
    DEPLOYMENT_AVAILABLE,
    DEPLOYMENT_REPLICAS,
    VOLUME_AVAILABLE,
    VOLUME_CAPACITY,
    CERTIFICATE_EXPIRY,
}
# Namespaces with alarms, which must work without the cluster.
WATCHED: Final = {
    "AWS/RDS",
    "AWS/Kafka",
    "AWS/ApplicationELB",
    "AWS/ApiGateway",
    "AWS/Lambda",
    "AWS/CertificateManager",
}
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def alarms(plan: Plan) -> list[Values]:
    return list(plan.of("aws_cloudwatch_metric_alarm").values())


@pytest.mark.property(15)
@each_environment
def test_each_alarm_watches_a_metric_of_the_catalogue_by_its_own_dimensions(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    known = {(each.namespace, each.name): set(each.dimensions) for each in CATALOGUE}
    found = alarms(planned(environment))
    watched = {each["alarm_name"]: (each["namespace"], each["metric_name"]) for each in found}
    assert {name for name, metric in watched.items() if metric not in known} == set()
    # With other dimensions than the metric's there is no data.
    assert {
        each["alarm_name"]
        for each in found
        if set(each["dimensions"]) != known[each["namespace"], each["metric_name"]]
    } == set()
    assert {each["namespace"] for each in found} == WATCHED
    evidence(f"{environment}: {len(found)} alarms on {len(set(watched.values()))} metrics of CloudWatch's catalogue")


@pytest.mark.property(15)
@each_environment
def test_each_alarm_watches_something_that_is_planned(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    found = alarms(plan)
    assert found
    for alarm in found:
        for dimension, value in alarm["dimensions"].items():
            if dimension == "Broker ID":
                assert 1 <= int(value) <= plan.only("aws_msk_cluster")["number_of_broker_nodes"]
            else:
                kind, attribute = NAMED_BY[dimension]
                assert value in {each[attribute] for each in plan.of(kind).values()}, alarm["alarm_name"]


@pytest.mark.property(15)
@each_environment
def test_each_broker_is_watched(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    brokers = {str(number + 1) for number in range(plan.only("aws_msk_cluster")["number_of_broker_nodes"])}
    for metric in ("UnderReplicatedPartitions", "KafkaDataLogsDiskUsed"):
        found = [each["dimensions"]["Broker ID"] for each in alarms(plan) if each["metric_name"] == metric]
        assert sorted(found) == sorted(brokers)


@pytest.mark.property(15)
@each_environment
def test_the_certificate_alarm_fires_until_it_is_renewed(planned: Planner, environment: str) -> None:
    (alarm,) = (each for each in alarms(planned(environment)) if each["metric_name"] == "DaysToExpiry")
    assert (alarm["comparison_operator"], alarm["statistic"]) == ("LessThanThreshold", "Minimum")
    # ACM reports twice a day, and not after expiry.
    assert alarm["period"] * alarm["evaluation_periods"] >= 12 * 3_600
    assert alarm["treat_missing_data"] == "ignore"


@pytest.mark.property(15)
@each_environment
def test_alarms_have_a_recipient_and_may_use_the_topics_key(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    topic, key = plan.only("aws_sns_topic"), plan.only("aws_kms_key")
    for alarm in alarms(plan):
        assert alarm["alarm_actions"] == alarm["ok_actions"] == [topic["arn"]]
        assert alarm["actions_enabled"] is not False
    recipients = [each["endpoint"] for each in plan.of("aws_sns_topic_subscription").values()]
    assert recipients == ["station@example.org"]
    assert topic["kms_master_key_id"] == key["arn"]
    assert may_use(key["policy"], "cloudwatch.amazonaws.com") >= {"kms:Decrypt", "kms:GenerateDataKey*"}
    evidence(f"{environment}: {len(alarms(plan))} alarms go to email by a topic whose key CloudWatch may use")


def may_use(policy: str, service: str) -> set[str]:
    """Actions that a key's policy allows an AWS service."""
    return {
        action
        for each in statements(policy)
        if each["Effect"] == "Allow" and each["Principal"] == {"Service": service}
        for action in listed(each["Action"])
    }


@pytest.mark.property(15)
@each_environment
def test_each_alarm_names_a_runbook_that_exists(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    paths = {
        each["alarm_name"]: each["alarm_description"].partition("Runbook: ")[2]
        for each in alarms(planned(environment))
    }
    assert {name for name, path in paths.items() if not path or not (ROOT / path).is_file()} == set()
    evidence(f"{environment}: {len(set(paths.values()))} runbooks of alarms exist")


@pytest.mark.property(15)
def test_each_alert_reads_exported_metrics_and_has_a_runbook(evidence: Callable[[str], None]) -> None:
    rules = [rule for groups in RULE_FILES.values() for group in groups for rule in group.rules]
    recorded = {rule.metric for rule in rules if isinstance(rule, RecordingRule)}
    known: set[Metric] = {*declared(), *EXPORTER_OF, *recorded, *ALERTS_ALONE}
    assert {metric.name for alert in ALERTS for metric in alert.expr.metrics if metric not in known} == set()
    names = {alert.name for alert in ALERTS} | {alert.name for alert in AWS_ALERTS}
    missing = {name for name in names if not (ROOT / f"docs/runbooks/{runbook_name(name)}.md").is_file()}
    assert missing == set()
    evidence(f"{len(names)} alerts of Prometheus and Grafana: each metric is exported or recorded, each has a runbook")
