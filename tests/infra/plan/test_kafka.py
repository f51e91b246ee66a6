"""The planned Kafka cluster: authentication, replication and permissions."""

from collections.abc import Callable
from typing import Final

import pytest

from apps.datasets.adapters.contract_files import documents
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.ingest.conf import KafkaSettings
from tests.infra.chart.test_pods import containers
from tests.infra.charts import anden
from tests.infra.plan.permissions import Statement, granted, listed, reached
from tests.infra.plans import ENVIRONMENTS, ROOT, Plan, Planner

PREFIX: Final = "arn:aws:kafka:eu-west-1:000000000000"
CLUSTER: Final = "mock/0000"
TOPICS: Final = {contract_from_odcs(document).topic for _, document in documents(ROOT / "contracts")}
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@pytest.mark.property(13)
@each_environment
def test_brokers_accept_only_iam_over_tls(planned: Planner, environment: str, evidence: Callable[[str], None]) -> None:
    cluster = planned(environment).only("aws_msk_cluster")
    (ways,) = cluster["client_authentication"]
    assert ways == {"sasl": [{"iam": True, "scram": False}], "tls": [], "unauthenticated": False}
    (encryption,) = cluster["encryption_info"]
    assert encryption["encryption_in_transit"] == [{"client_broker": "TLS", "in_cluster": True}]
    (group,) = cluster["broker_node_group_info"]
    (connectivity,) = group["connectivity_info"]
    assert connectivity["public_access"] == [{"type": "DISABLED"}]
    assert group["security_groups"] == ["sg-kafka"]
    assert {"subnet-private-a", "subnet-private-b", "subnet-private-c"} == set(group["client_subnets"])
    evidence(f"{environment}: only IAM over TLS, in three private subnets")


@pytest.mark.property(13)
@each_environment
def test_topics_have_three_replicas_and_are_never_auto_created(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    cluster, configuration = plan.only("aws_msk_cluster"), plan.only("aws_msk_configuration")
    lines = configuration["server_properties"].strip().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    wanted = {
        "auto.create.topics.enable": "false",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "unclean.leader.election.enable": "false",
    }
    assert {name: properties.get(name) for name in wanted} == wanted
    assert cluster["number_of_broker_nodes"] >= 3
    assert cluster["number_of_broker_nodes"] % 3 == 0
    assert cluster["configuration_info"] == [
        {"arn": configuration["arn"], "revision": configuration["latest_revision"]}
    ]
    assert configuration["kafka_versions"] == [cluster["kafka_version"]]
    evidence(f"{environment}: {cluster['number_of_broker_nodes']} brokers, {', '.join(lines[:3])}")


@pytest.mark.property(13)
@each_environment
def test_disks_grow_before_they_are_full(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    target, policy = plan.only("aws_appautoscaling_target"), plan.only("aws_appautoscaling_policy")
    cluster = plan.only("aws_msk_cluster")
    (group,) = cluster["broker_node_group_info"]
    (storage,) = group["storage_info"]
    (disk,) = storage["ebs_storage_info"]
    assert target["max_capacity"] > disk["volume_size"]
    assert target["resource_id"] == policy["resource_id"] == cluster["arn"]
    (tracking,) = policy["target_tracking_scaling_policy_configuration"]
    (metric,) = tracking["predefined_metric_specification"]
    assert metric["predefined_metric_type"] == "KafkaBrokerStorageUtilization"
    # Autoscaling must start before the alarm fires.
    alarms = plan.of("aws_cloudwatch_metric_alarm").values()
    bounds = {each["threshold"] for each in alarms if each["metric_name"] == "KafkaDataLogsDiskUsed"}
    assert 0 < tracking["target_value"] < min(bounds)


def groups(environment: str) -> set[str]:
    """Consumer groups of the chart's pods."""
    environments = [
        {variable["name"]: variable.get("value", "") for variable in container["env"]}
        for _, container in containers(anden(environment))
    ]
    default = KafkaSettings().group_id
    return {
        each.get("ANDEN_KAFKA_GROUP_ID", default) for each in environments if "ANDEN_KAFKA_BOOTSTRAP_SERVERS" in each
    }


@pytest.mark.property(13)
@each_environment
def test_workers_read_exactly_the_contracts_topics_in_exactly_their_group(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    topics = {f"{PREFIX}:topic/{CLUSTER}/{topic}" for topic in TOPICS}
    members = {f"{PREFIX}:group/{CLUSTER}/{group}" for group in groups(environment)}
    for workload in ("ingest", "lag"):
        role = f"anden-{environment}-{workload}"
        assert reached(plan, role, "kafka-cluster:ReadData") == topics
        assert reached(plan, role, "kafka-cluster:AlterGroup") == members
        assert reached(plan, role, "kafka-cluster:Connect") == {f"{PREFIX}:cluster/{CLUSTER}"}
    assert reached(plan, f"anden-{environment}-topics", "kafka-cluster:CreateTopic") == topics
    evidence(f"{environment}: {len(topics)} contract topics and {len(members)} group, each by exact name")


def of_kafka(plan: Plan) -> dict[str, list[Statement]]:
    """Kafka statements by role, for roles that have any."""
    roles = [each["name"] for each in plan.of("aws_iam_role").values()]
    found = {
        role: [each for each in granted(plan, role) if any("kafka" in action for action in listed(each["Action"]))]
        for role in roles
    }
    return {role: statements for role, statements in found.items() if statements}


@pytest.mark.property(13)
@each_environment
def test_kafka_permissions_are_exact_and_never_produce_or_delete(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    found = of_kafka(planned(environment))
    assert set(found) == {f"anden-{environment}-{workload}" for workload in ("ingest", "lag", "topics")}
    every = [each for statements in found.values() for each in statements]
    actions = {action for each in every for action in listed(each["Action"])}
    assert not [one for each in every for one in (*listed(each["Action"]), *listed(each["Resource"])) if "*" in one]
    assert not {action for action in actions if "WriteData" in action or "Delete" in action}
    evidence(f"{environment}: {len(found)} roles reach Kafka by {len(actions)} actions, no wildcard, no writes")
