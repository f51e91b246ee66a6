"""Who comes in from outside without a key: runs of HCP Terraform and the pipeline of the image."""

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
def test_a_role_of_hcp_terraform_is_its_workspaces_in_its_phase(
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
    evidence(f"{environment}: the role for {phase} is {len(WORKSPACES)} workspaces', in that phase alone")


@pytest.mark.property(2)
@pytest.mark.property(11)
@each_environment
def test_a_plan_reads_everything_but_what_is_secret(planned: Planner, environment: str) -> None:
    plan = planned(environment)
    role = f"anden-{environment}-terraform-plan"
    assert attached(plan, role) == {"ReadOnlyAccess"}
    said = {each["Sid"]: each for each in granted(plan, role)}
    denial = said.pop("NoSecrets")
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
    # Nothing is decrypted but what Lambda asks for, which is told to whoever looks at a function.
    denial, allowed = said.pop("NothingDecrypted"), said.pop("VariablesOfFunctions")
    assert (denial["Effect"], denial["Action"], denial["Resource"]) == ("Deny", "kms:Decrypt", "*")
    assert denial["Condition"]["StringNotLike"] == allowed["Condition"]["StringLike"]
    assert allowed["Condition"] == {"StringLike": {"kms:ViaService": "lambda.*.amazonaws.com"}}
    assert said == {}


@pytest.mark.property(2)
@each_environment
def test_the_image_is_pushed_from_main_alone_and_to_one_repository(
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
    evidence(f"{environment}: the pipeline of main pushes to the one repository, whose tags are written once")


@pytest.mark.property(2)
@pytest.mark.property(11)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_first_values_are_written_by_one_who_reads_none_and_writes_what_is_drawn_alone(
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
    drawn = {f"arn:aws:secretsmanager:eu-west-1:000000000000:secret:{kind}" for kind in ("role", "key")}
    rights = {action: reached(plan, role, action) for each in granted(plan, role) for action in listed(each["Action"])}
    key = {plan.only("aws_kms_key")["arn"]}
    # The key, too, for what Secrets Manager asks of it alone: it decrypts for nobody who may not read the value.
    assert rights == {
        "secretsmanager:DescribeSecret": drawn,
        "secretsmanager:PutSecretValue": drawn,
        "kms:GenerateDataKey": key,
        "kms:Decrypt": key,
    }
    (encrypt,) = (each for each in granted(plan, role) if each["Sid"] == "Encrypt")
    assert encrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    assert attached(plan, role) == set()
    evidence(f"{environment}, {mode}: one role writes first values, of what is drawn alone, and reads none")


@pytest.mark.property(2)
@each_environment
def test_secrets_are_read_by_those_who_bring_them_to_pods_and_by_the_probe(
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
    evidence(f"{environment}: {len(readers)} roles read secrets; the probe's function its own key alone")
