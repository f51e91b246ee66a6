"""The planned EKS cluster: access to its API, logs, and permissions of nodes and pods."""

import json
from collections.abc import Callable
from typing import Any

import hcl2
import pytest

from tests.infra.plan.permissions import attached, granted, trusted
from tests.infra.plans import ENVIRONMENTS, ROOT, Planner

LOGS = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def declared(kind: str) -> dict[str, dict[str, Any]]:
    """The module's resources of this type, by name."""
    resources = hcl2.loads((ROOT / "terraform/modules/eks/main.tf").read_text(encoding="utf-8"))["resource"]
    found = [body for each in resources for name, body in each.items() if name.strip('"') == kind]
    return {name.strip('"'): body for each in found for name, body in each.items()}


@pytest.mark.property(5)
@each_environment
def test_the_api_is_private_and_only_entries_give_access(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    cluster = plan.only("aws_eks_cluster")
    (network,) = cluster["vpc_config"]
    assert (network["endpoint_private_access"], network["endpoint_public_access"]) == (True, False)
    assert network["public_access_cidrs"] == []
    assert all(subnet.startswith("subnet-private-") for subnet in network["subnet_ids"])
    (access,) = cluster["access_config"]
    assert access == {"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False}
    entries = {at.partition("[")[2] for at in plan.of("aws_eks_access_entry")}
    given = {at.partition("[")[2]: each for at, each in plan.of("aws_eks_access_policy_association").items()}
    assert set(given) == entries == {'"operators"]', '"terraform-apply"]', '"terraform-plan"]'}
    for people in ('"operators"]', '"terraform-apply"]'):
        assert given[people]["policy_arn"].endswith("/AmazonEKSClusterAdminPolicy")
    assert given['"terraform-plan"]']["policy_arn"].endswith("/AmazonEKSAdminViewPolicy")
    assert given['"terraform-plan"]']["access_scope"] == [{"type": "namespace", "namespaces": ["argocd"]}]
    evidence(f"{environment}: only a private endpoint, mode API, {len(entries)} entries, none for the creator")


@pytest.mark.property(5)
@each_environment
def test_five_logs_are_kept_and_secrets_use_the_customer_key(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    cluster = plan.only("aws_eks_cluster")
    key = plan.only("aws_kms_key")["arn"]
    assert set(cluster["enabled_cluster_log_types"]) == LOGS
    (encryption,) = cluster["encryption_config"]
    assert encryption == {"provider": [{"key_arn": key}], "resources": ["secrets"]}
    groups = {each["name"]: each for each in plan.of("aws_cloudwatch_log_group").values()}
    group = groups[f"/aws/eks/{cluster['name']}/cluster"]
    assert group["retention_in_days"] > 0
    assert group["kms_key_id"] == key
    evidence(f"{environment}: {len(LOGS)} logs for {group['retention_in_days']} days, secrets under the customer key")


@pytest.mark.property(5)
def test_the_log_group_is_created_before_the_cluster() -> None:
    assert "aws_cloudwatch_log_group.this" in str(declared("aws_eks_cluster")["this"]["depends_on"])


@pytest.mark.property(3)
def test_add_ons_get_their_roles_before_nodes_and_workloads(
    evidence: Callable[[str], None],
) -> None:
    addons = declared("aws_eks_addon")
    for addon in addons.values():
        assert "aws_eks_pod_identity_association.addon" in str(addon["depends_on"])
    assert "aws_eks_addon.before_nodes" in str(declared("aws_eks_node_group")["this"]["depends_on"])
    kinds = ("aws_iam_role", "aws_iam_role_policy_attachment", "aws_eks_pod_identity_association")
    rights = [declared(kind)["addon"] for kind in kinds]
    assert all(each["for_each"] == "${local.addon_roles}" for each in rights)
    assert "workloads" not in str(rights)
    evidence("roles of EKS add-ons are created before the add-ons, and these before nodes; none waits for MSK")


@pytest.mark.property(3)
@each_environment
def test_network_policies_are_enforced(planned: Planner, environment: str, evidence: Callable[[str], None]) -> None:
    addons = {each["addon_name"]: each for each in planned(environment).of("aws_eks_addon").values()}
    assert json.loads(addons["vpc-cni"]["configuration_values"]) == {"enableNetworkPolicy": "true"}
    evidence(f"{environment}: the network add-on enforces NetworkPolicies")


@pytest.mark.property(5)
@each_environment
def test_nodes_run_al2023_and_hide_their_credentials_from_pods(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    template = plan.only("aws_launch_template")
    (metadata,) = template["metadata_options"]
    assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)
    for group in plan.of("aws_eks_node_group").values():
        assert group["ami_type"].startswith("AL2023_")
        assert [each["id"] for each in group["launch_template"]] == [template["id"]]
        assert all(subnet.startswith("subnet-private-") for subnet in group["subnet_ids"])
        assert group["version"] == plan.only("aws_eks_cluster")["version"]
    evidence(f"{environment}: AL2023, IMDSv2 with one hop, so no pod gets the node's credentials")


@pytest.mark.property(2)
@each_environment
def test_a_node_may_join_and_pull_and_nothing_else(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    node, cni = f"anden-{environment}-eks-node", f"anden-{environment}-cni"
    assert attached(plan, node) == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
    assert granted(plan, node) == []
    assert attached(plan, cni) == {"AmazonEKS_CNI_Policy"}
    evidence(
        f"{environment}: a node has two AWS managed policies; the third, CNI, belongs to its pods by Pod Identity"
    )


@pytest.mark.property(3)
@pytest.mark.property(5)
@each_environment
def test_pods_get_aws_roles_only_by_pod_identity(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    associations = plan.of("aws_eks_pod_identity_association")
    roles = [each["name"] for at, each in plan.of("aws_iam_role").items() if at.startswith("module.eks")]
    workloads = [name for name in roles if not name.endswith(("-eks-cluster", "-eks-node"))]
    assert len(workloads) == len(associations)
    for role in workloads:
        assert [each["Principal"] for each in trusted(plan, role)] == [{"Service": "pods.eks.amazonaws.com"}]
        assert bool(granted(plan, role)) != bool(attached(plan, role))
    accounts = {(each["namespace"], each["service_account"]) for each in associations.values()}
    assert len(accounts) == len(associations)
    hosts = {each["url"] for each in plan.of("aws_iam_openid_connect_provider").values()}
    assert hosts == {"https://app.terraform.io", "https://token.actions.githubusercontent.com"}
    assert "eks-pod-identity-agent" in {each["addon_name"] for each in plan.of("aws_eks_addon").values()}
    evidence(f"{environment}: {len(workloads)} roles for {len(accounts)} accounts, no OIDC provider for the cluster")
