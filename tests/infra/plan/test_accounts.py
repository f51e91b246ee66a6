"""Service accounts with AWS roles match those of the charts and EKS add-ons, in each mode."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.charts import ROOT, anden, render, value_file
from tests.infra.gitops.argocd_model import everything, station_values
from tests.infra.plan.permissions import granted, reached
from tests.infra.plans import PLANS, Plan, Planner

Account = tuple[str, str]
# Service accounts of EKS add-ons, named by AWS.
OF_EKS: Final = {
    "vpc-cni": ("kube-system", "aws-node"),
    "aws-ebs-csi-driver": ("kube-system", "ebs-csi-controller-sa"),
}
RESTORE: Final = {"database": {"restore": {"targetTime": "2026-11-23T09:00:00Z"}}}


def of_addons(environment: str, mode: str) -> set[Account]:
    """Service accounts in the add-ons' values."""
    names = [each["metadata"]["name"] for group in everything(environment, mode).values() for each in group]
    found = set()
    for name in names:
        values = value_file(ROOT / "charts" / name, "values.yaml").get(name, {})
        for part in (values, values.get("grafana", {})):
            if "serviceAccount" in part:
                found.add((name, part["serviceAccount"]["name"]))
    return found


def of_databases(environment: str, mode: str) -> set[Account]:
    """Service accounts of the operator's databases, including the restored one, named after them."""
    made = [each for group in everything(environment, mode).values() for each in group]
    (database,) = (station_values(each) for each in made if each["metadata"]["name"] == "cloudnative-pg")
    objects = render(ROOT / "charts/cloudnative-pg", database, RESTORE)
    return {("cloudnative-pg", each["metadata"]["name"]) for each in objects if each["kind"] == "Cluster"}


def of_secrets(environment: str, mode: str) -> set[Account]:
    """The service account that writes initial values."""
    made = [each for group in everything(environment, mode).values() for each in group]
    (values,) = (station_values(each) for each in made if each["metadata"]["name"] == "secrets")
    objects = render(ROOT / "charts/secrets", values)
    return {("secrets", each["metadata"]["name"]) for each in objects if each["kind"] == "ServiceAccount"}


def of_anden(environment: str) -> set[Account]:
    """Service accounts of charts/anden, except the one without an AWS role."""
    objects = anden(environment)
    names = {each["metadata"]["name"] for each in objects if each["kind"] == "ServiceAccount"}
    return {("anden", name) for name in names - {"anden"}}


def associated(plan: Plan) -> set[Account]:
    return {
        (each["namespace"], each["service_account"]) for each in plan.of("aws_eks_pod_identity_association").values()
    }


@pytest.mark.property(3)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_service_accounts_with_aws_roles_match_the_charts(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment, mode)
    charts = of_anden(environment) | of_secrets(environment, mode) | of_addons(environment, mode)
    if mode == "cloudnativepg":
        charts |= of_databases(environment, mode)
    eks = {OF_EKS[each["addon_name"]] for each in plan.of("aws_eks_addon").values() if each["addon_name"] in OF_EKS}
    assert associated(plan) == charts | eks
    evidence(
        f"{environment}, {mode}: {len(charts)} accounts of charts and {len(eks)} of EKS add-ons match the associations"
    )


@pytest.mark.property(3)
@pytest.mark.property(12)
def test_the_operators_database_reaches_its_backups_and_a_restored_one_reads_them(
    planned: Planner, evidence: Callable[[str], None]
) -> None:
    plan = planned("prod", "cloudnativepg")
    bucket = f"arn:aws:s3:::{plan.only('aws_s3_bucket')['bucket']}"
    key = {plan.only("aws_kms_key")["arn"]}
    for account, writes in (("station", True), ("station-restored", False)):
        role = f"anden-prod-database-{account}"
        assert reached(plan, role, "s3:ListBucket") == {bucket}
        assert reached(plan, role, "s3:GetObject") == {f"{bucket}/*"}
        assert reached(plan, role, "kms:Decrypt") == key
        assert reached(plan, role, "s3:PutObject") == ({f"{bucket}/*"} if writes else set())
        assert reached(plan, role, "kms:GenerateDataKey") == (key if writes else set())
    assert granted(planned("prod"), "anden-prod-database-station") == []
    evidence("cloudnativepg: the database writes backups to one bucket, a restored one only reads them")
