"""OIDC access without keys: HCP Terraform runs and the image pipeline."""

from collections.abc import Callable
from fnmatch import fnmatch

import pytest

from tests.infra.plan.permissions import attached, granted, listed, reached, trusted
from tests.infra.plans import ENVIRONMENTS, PLANS, Planner

WORKSPACES = ("anden-aws", "anden-cluster")
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@pytest.mark.property(2)
@each_environment
@pytest.mark.parametrize("phase", ["plan", "apply"])
def test_hcp_terraform_roles_trust_their_workspaces_and_phase(
    planned: Planner, environment: str, phase: str, evidence: Callable[[str], None]
) -> None:
    (trust,) = trusted(planned(environment), f"anden-{environment}-terraform-{phase}")
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "app.terraform.io:aud": "aws.workload.identity",
            "app.terraform.io:sub": [
                f"organization:example:project:anden:workspace:{workspace}:run_phase:{phase}"
                for workspace in WORKSPACES
            ],
        }
    }
    evidence(f"{environment}: the role for {phase} trusts {len(WORKSPACES)} workspaces, only in that phase")


@pytest.mark.property(2)
@pytest.mark.property(11)
@each_environment
def test_a_plan_reads_everything_except_secrets(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    role = f"anden-{environment}-terraform-plan"
    assert attached(plan, role) == {"ReadOnlyAccess"}
    by_sid = {each["Sid"]: each for each in granted(plan, role)}
    denial = by_sid.pop("NoSecrets")
    assert (denial["Effect"], denial["Resource"]) == ("Deny", "*")
    secret = (
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
        "s3:GetObject",
    )
    assert {
        action for action in secret if not any(fnmatch(action, pattern) for pattern in listed(denial["Action"]))
    } == set()
    # Only decryption through Lambda is allowed, to read a function's variables.
    denial, allowed = by_sid.pop("NothingDecrypted"), by_sid.pop("VariablesOfFunctions")
    assert (denial["Effect"], denial["Action"], denial["Resource"]) == ("Deny", "kms:Decrypt", "*")
    assert denial["Condition"]["StringNotLike"] == allowed["Condition"]["StringLike"]
    assert allowed["Condition"] == {"StringLike": {"kms:ViaService": "lambda.*.amazonaws.com"}}
    assert by_sid == {}


@pytest.mark.property(2)
@each_environment
def test_the_image_is_pushed_only_from_main_to_one_repository(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    role = f"anden-{environment}-image"
    (trust,) = trusted(plan, role)
    assert trust["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:example/anden:ref:refs/heads/main",
    }
    assert reached(plan, role, "ecr:PutImage") == {plan.only("aws_ecr_repository")["arn"]}
    services = {action.partition(":")[0] for each in granted(plan, role) for action in listed(each["Action"])}
    assert services == {"ecr"}
    assert attached(plan, role) == set()
    assert plan.only("aws_ecr_repository")["image_tag_mutability"] == "IMMUTABLE"
    evidence(f"{environment}: main's pipeline pushes to one repository with immutable tags")


@pytest.mark.property(2)
@pytest.mark.property(11)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_the_role_that_writes_initial_values_reads_none(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment, mode)
    writers = {
        each["name"]
        for each in plan.of("aws_iam_role").values()
        if reached(plan, each["name"], "secretsmanager:PutSecretValue")
    }
    role = f"anden-{environment}-secrets"
    assert writers == {role}
    generated = {f"arn:aws:secretsmanager:eu-west-1:000000000000:secret:{kind}" for kind in ("role", "key")}
    rights = {action: reached(plan, role, action) for each in granted(plan, role) for action in listed(each["Action"])}
    key = {plan.only("aws_kms_key")["arn"]}
    # The key only through Secrets Manager, which decrypts only for principals that may read the value.
    assert rights == {
        "secretsmanager:DescribeSecret": generated,
        "secretsmanager:PutSecretValue": generated,
        "kms:GenerateDataKey": key,
        "kms:Decrypt": key,
    }
    (encrypt,) = (each for each in granted(plan, role) if each["Sid"] == "Encrypt")
    assert encrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    assert attached(plan, role) == set()
    evidence(f"{environment}, {mode}: one role writes initial values, only of generated secrets, and reads none")


@pytest.mark.property(2)
@each_environment
def test_only_external_secrets_and_the_probe_read_secrets(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment)
    readers = {
        each["name"]
        for each in plan.of("aws_iam_role").values()
        if reached(plan, each["name"], "secretsmanager:GetSecretValue")
        or attached(plan, each["name"]) & {"SecretsManagerReadWrite"}
    }
    probe = f"anden-{environment}-probe-function"
    assert readers == {f"anden-{environment}-external-secrets", probe}
    assert reached(plan, probe, "secretsmanager:GetSecretValue") == {
        "arn:aws:secretsmanager:eu-west-1:000000000000:secret:probe"
    }
    evidence(f"{environment}: {len(readers)} roles read secrets; the probe's function only its own key")
