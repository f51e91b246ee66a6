"""Which connections the NetworkPolicies of charts/anden allow, by a model of Kubernetes' rules."""

from ipaddress import ip_address, ip_network
from typing import Any

from tests.infra.chart.test_pods import pods
from tests.infra.charts import Manifest

IMDS = "169.254.169.254"
AGENT = "169.254.170.23"
OUTSIDE = "198.51.100.7"


def selects(policy: Manifest, labels: dict[str, str]) -> bool:
    """Whether the policy selects a pod with these labels."""
    selector = policy["spec"]["podSelector"]
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))


def allows_egress(policies: list[Manifest], labels: dict[str, str], address: str, port: int) -> bool:
    """Whether a policy that selects a pod with these labels allows it to reach the IP address."""
    for policy in policies:
        if selects(policy, labels):
            for rule in policy["spec"].get("egress", []):
                if any(each["port"] == port for each in rule["ports"]) and any(
                    _holds(to, address) for to in rule["to"]
                ):
                    return True
    return False


def _holds(peer: dict[str, Any], address: str) -> bool:
    block = peer.get("ipBlock")
    if not block or ip_address(address) not in ip_network(block["cidr"]):
        return False
    return not any(ip_address(address) in ip_network(each) for each in block.get("except", []))


def _policies(objects: list[Manifest]) -> list[Manifest]:
    found = [each for each in objects if each["kind"] == "NetworkPolicy"]
    assert found
    return found


def test_traffic_is_denied_unless_a_rule_allows_it(rendered: list[Manifest]) -> None:
    (deny,) = (each for each in _policies(rendered) if each["metadata"]["name"] == "anden-deny")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in _policies(rendered):
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                assert rule[peers], policy["metadata"]["name"]
                assert rule["ports"], policy["metadata"]["name"]


def test_each_policy_selects_a_pod_and_each_pod_may_resolve_names(rendered: list[Manifest]) -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods(rendered)]
    for policy in _policies(rendered):
        assert any(selects(policy, each) for each in labels), policy["metadata"]["name"]
    for each in labels:
        names = {policy["metadata"]["name"] for policy in _policies(rendered) if selects(policy, each)}
        assert {"anden-deny", "anden-dns", "anden-postgres"} <= names


def test_no_pod_reaches_the_nodes_credentials(rendered: list[Manifest]) -> None:
    for maker, pod in pods(rendered):
        for port in (80, 443):
            assert not allows_egress(_policies(rendered), pod["metadata"]["labels"], IMDS, port), maker


def test_only_pods_with_an_aws_role_reach_the_identity_agent(rendered: list[Manifest]) -> None:
    for maker, pod in pods(rendered):
        has_rights = pod["spec"]["serviceAccountName"] != "anden"
        assert allows_egress(_policies(rendered), pod["metadata"]["labels"], AGENT, 80) == has_rights, maker


def test_only_aws_clients_and_the_probe_reach_the_internet(rendered: list[Manifest]) -> None:
    for maker, pod in pods(rendered):
        allowed = pod["spec"]["serviceAccountName"] != "anden" or maker.endswith("/anden-probe")
        assert allows_egress(_policies(rendered), pod["metadata"]["labels"], OUTSIDE, 443) == allowed, maker


def test_only_kafka_clients_reach_kafka(rendered: list[Manifest]) -> None:
    kafka = next(each for each in _policies(rendered) if each["metadata"]["name"] == "anden-kafka")
    for maker, pod in pods(rendered):
        is_client = any("KAFKA_BOOTSTRAP" in each["name"] for one in pod["spec"]["containers"] for each in one["env"])
        assert selects(kafka, pod["metadata"]["labels"]) == is_client, maker
