"""Accounts of Kubernetes that have rights in AWS are those that charts and EKS's add-ons have, in each mode."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.charts import ROOT, anden, render, value_file
from tests.infra.gitops.argocd_model import everything, station_values
from tests.infra.plan.permissions import granted, reached
from tests.infra.plans import PLANS, Plan, Planner

Account = tuple[str, str]
# AWS's own names, of what EKS installs.
OF_EKS: Final = {
    "vpc-cni": ("kube-system", "aws-node"),
    "aws-ebs-csi-driver": ("kube-system", "ebs-csi-controller-sa"),
}
RESTORE: Final = {"database": {"restore": {"targetTime": "2026-11-23T09:00:00Z"}}}


def of_addons(environment: str, mode: str) -> set[Account]:
    """Accounts that values of add-ons name."""
    names = [each["metadata"]["name"] for group in everything(environment, mode).values() for each in group]
    found = set()
    for name in names:
        values = value_file(ROOT / "charts" / name, "values.yaml").get(name, {})
        for part in (values, values.get("grafana", {})):
            if "serviceAccount" in part:
                found.add((name, part["serviceAccount"]["name"]))
    return found


def of_databases(environment: str, mode: str) -> set[Account]:
    """Accounts of the operator's databases, which are called as these are; the restored one, too."""
    made = [each for group in everything(environment, mode).values() for each in group]
    (database,) = (station_values(each) for each in made if each["metadata"]["name"] == "cloudnative-pg")
    objects = render(ROOT / "charts/cloudnative-pg", database, RESTORE)
    return {("cloudnative-pg", each["metadata"]["name"]) for each in objects if each["kind"] == "Cluster"}


def of_the_secrets(environment: str, mode: str) -> set[Account]:
    """The account that writes first values."""
    made = [each for group in everything(environment, mode).values() for each in group]
    (values,) = (station_values(each) for each in made if each["metadata"]["name"] == "secrets")
    objects = render(ROOT / "charts/secrets", values)
    return {("secrets", each["metadata"]["name"]) for each in objects if each["kind"] == "ServiceAccount"}


def of_the_station(environment: str) -> set[Account]:
    """Accounts of charts/anden but for the one that has no rights in AWS."""
    objects = anden(environment)
    names = {each["metadata"]["name"] for each in objects if each["kind"] == "ServiceAccount"}
    return {("anden", name) for name in names - {"anden"}}


def associated(plan: Plan) -> set[Account]:
    return {
        (each["namespace"], each["service_account"]) for each in plan.of("aws_eks_pod_identity_association").values()
    }


@pytest.mark.property(3)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_accounts_with_rights_and_accounts_of_charts_are_the_same(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment, mode)
    ours = of_the_station(environment) | of_the_secrets(environment, mode) | of_addons(environment, mode)
    if mode == "cloudnativepg":
        ours |= of_databases(environment, mode)
    eks = {OF_EKS[each["addon_name"]] for each in plan.of("aws_eks_addon").values() if each["addon_name"] in OF_EKS}
    assert associated(plan) == ours | eks
    evidence(
        f"{environment}, {mode}: {len(ours)} accounts of charts and {len(eks)} of EKS's add-ons, as many associations"
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
    evidence("cloudnativepg: the database writes its backups into one bucket, a restored one reads them")
