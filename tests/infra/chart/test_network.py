"""Who may speak to whom, by the NetworkPolicies of charts/anden as a model of Kubernetes reads them."""

from ipaddress import ip_address, ip_network
from typing import Any

from tests.infra.chart.test_pods import pods
from tests.infra.charts import Manifest

IMDS = "169.254.169.254"
AGENT = "169.254.170.23"
OUTSIDE = "198.51.100.7"


def selects(policy: Manifest, labels: dict[str, str]) -> bool:
    """Whether the policy is about a pod with these labels."""
    selector = policy["spec"]["podSelector"]
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))


def allows_egress(policies: list[Manifest], labels: dict[str, str], address: str, port: int) -> bool:
    """Whether a pod with these labels may reach the address: some policy that is about it must say so."""
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


def test_nothing_is_open_that_no_line_opens(rendered: list[Manifest]) -> None:
    (deny,) = (each for each in _policies(rendered) if each["metadata"]["name"] == "anden-deny")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in _policies(rendered):
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                assert rule[peers], policy["metadata"]["name"]
                assert rule["ports"], policy["metadata"]["name"]


def test_each_policy_is_about_a_pod_and_each_pod_may_ask_for_names(rendered: list[Manifest]) -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods(rendered)]
    for policy in _policies(rendered):
        assert any(selects(policy, each) for each in labels), policy["metadata"]["name"]
    for each in labels:
        names = {policy["metadata"]["name"] for policy in _policies(rendered) if selects(policy, each)}
        assert {"anden-deny", "anden-dns", "anden-postgres"} <= names


def test_nobody_reaches_the_rights_of_the_node(rendered: list[Manifest]) -> None:
    for maker, pod in pods(rendered):
        for port in (80, 443):
            assert not allows_egress(_policies(rendered), pod["metadata"]["labels"], IMDS, port), maker


def test_who_has_rights_in_aws_gets_them_and_nobody_else(rendered: list[Manifest]) -> None:
    for maker, pod in pods(rendered):
        has_rights = pod["spec"]["serviceAccountName"] != "anden"
        assert allows_egress(_policies(rendered), pod["metadata"]["labels"], AGENT, 80) == has_rights, maker


def test_the_outside_is_for_those_who_call_aws_and_for_the_probe(rendered: list[Manifest]) -> None:
    for maker, pod in pods(rendered):
        may = pod["spec"]["serviceAccountName"] != "anden" or maker.endswith("/anden-probe")
        assert allows_egress(_policies(rendered), pod["metadata"]["labels"], OUTSIDE, 443) == may, maker


def test_kafka_is_for_those_who_are_told_of_it(rendered: list[Manifest]) -> None:
    kafka = next(each for each in _policies(rendered) if each["metadata"]["name"] == "anden-kafka")
    for maker, pod in pods(rendered):
        told = any("KAFKA_BOOTSTRAP" in each["name"] for one in pod["spec"]["containers"] for each in one["env"])
        assert selects(kafka, pod["metadata"]["labels"]) == told, maker
