"""The planned PostgreSQL: failures it survives, access, and what remains after a destroy."""

from collections.abc import Callable

import pytest

from apps.ingest.services.batch_commit import MOST_DATASETS
from tests.infra.plans import ENVIRONMENTS, Planner

MIN_DAYS = 14


@pytest.mark.property(12)
def test_prod_survives_a_zone_and_a_mistake(planned: Planner, evidence: Callable[[str], None]) -> None:
    database = planned("prod").only("aws_db_instance")
    assert database["multi_az"] is True
    assert database["backup_retention_period"] >= MIN_DAYS
    assert database["deletion_protection"] is True
    assert database["delete_automated_backups"] is False
    assert database["skip_final_snapshot"] is False
    assert database["final_snapshot_identifier"] == "anden-prod-final"
    assert database["max_allocated_storage"] > database["allocated_storage"]
    days = database["backup_retention_period"]
    evidence(f"prod: two zones, point-in-time recovery for {days} days, deletion protection, final snapshot")


@pytest.mark.property(12)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_database_is_encrypted_private_and_requires_tls(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    database, parameters = plan.only("aws_db_instance"), plan.only("aws_db_parameter_group")
    assert database["storage_encrypted"] is True
    assert database["kms_key_id"] == plan.only("aws_kms_key")["arn"]
    assert database["publicly_accessible"] is False
    assert database["vpc_security_group_ids"] == ["sg-postgres"]
    subnets = plan.only("aws_db_subnet_group")["subnet_ids"]
    assert len(subnets) == 3
    assert all(subnet.startswith("subnet-private-") for subnet in subnets)
    assert database["parameter_group_name"] == parameters["name"]
    set_to = {each["name"]: each["value"] for each in parameters["parameter"]}
    assert set_to["rds.force_ssl"] == "1"
    assert int(set_to["max_locks_per_transaction"]) > MOST_DATASETS
    assert database["backup_retention_period"] >= 1
    evidence(f"{environment}: encrypted, force_ssl, in private subnets, no public address")


@pytest.mark.property(12)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_versions_that_aws_raises_are_not_pinned(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    """RDS rejects downgrades, so an exact version would fail each apply after an automatic upgrade."""
    plan = planned(environment)
    database, parameters = plan.only("aws_db_instance"), plan.only("aws_db_parameter_group")
    assert database["auto_minor_version_upgrade"] is True
    assert database["engine_version"].isdigit()
    assert parameters["family"] == f"postgres{database['engine_version']}"
    # MSK patches versions ending in x; RDS storage with a maximum grows, and the provider then ignores its size.
    assert plan.only("aws_msk_cluster")["kafka_version"].endswith(".x")
    assert database["max_allocated_storage"] > 0
    # No node image release is pinned: EKS uses the newest when it creates or upgrades a group.
    assert {each.get("release_version") for each in plan.of("aws_eks_node_group").values()} == {None}
    evidence(f"{environment}: PostgreSQL {database['engine_version']}, with the minor version chosen by RDS")


@pytest.mark.property(11)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_rds_manages_its_administrators_password(planned: Planner, environment: str) -> None:
    database = planned(environment).only("aws_db_instance")
    assert database["manage_master_user_password"] is True
    assert (database["password"], database["password_wo"]) == (None, None)


@pytest.mark.property(12)
def test_with_the_operator_terraform_creates_only_the_backup_bucket(
    planned: Planner, evidence: Callable[[str], None]
) -> None:
    plan = planned("prod", "cloudnativepg")
    assert plan.of("aws_db_instance") == {}
    bucket = plan.only("aws_s3_bucket")
    assert bucket["force_destroy"] is False
    closed = plan.only("aws_s3_bucket_public_access_block")
    names = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert all(closed[name] is True for name in names)
    versions = plan.only("aws_s3_bucket_versioning")
    assert [each["status"] for each in versions["versioning_configuration"]] == ["Enabled"]
    parts = ("public_access_block", "versioning", "server_side_encryption_configuration", "lifecycle_configuration")
    assert {plan.only(f"aws_s3_bucket_{part}")["bucket"] for part in parts} == {bucket["bucket"]}
    (rule,) = plan.only("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert [each["noncurrent_days"] for each in rule["noncurrent_version_expiration"]] == [MIN_DAYS]
    evidence("cloudnativepg: a private, versioned backup bucket that destroy does not empty; no RDS")


@pytest.mark.property(12)
def test_a_chart_that_archives_nothing_gets_no_bucket(planned: Planner, evidence: Callable[[str], None]) -> None:
    plan = planned("dev", "bitnami")
    assert plan.of("aws_db_instance") == plan.of("aws_s3_bucket") == {}
    assert plan.outputs["station"]["postgres_backups"] is None
    evidence("bitnami: no RDS and no bucket")
