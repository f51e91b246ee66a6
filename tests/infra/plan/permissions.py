"""IAM permissions of roles in a plan."""

import json
from typing import Any

from tests.infra.plans import Plan

Statement = dict[str, Any]


def listed(value: Any) -> list[Any]:
    """The value as a list."""
    return value if isinstance(value, list) else [value]


def statements(text: str) -> list[Statement]:
    """Statements of a policy."""
    return listed(json.loads(text)["Statement"])


def granted(plan: Plan, role: str) -> list[Statement]:
    """Statements of the role's inline policies."""
    policies = plan.of("aws_iam_role_policy").values()
    return [each for policy in policies if policy["role"] == role for each in statements(policy["policy"])]


def trusted(plan: Plan, role: str) -> list[Statement]:
    """Statements of the role's trust policy."""
    (text,) = (each["assume_role_policy"] for each in plan.of("aws_iam_role").values() if each["name"] == role)
    return statements(text)


def attached(plan: Plan, role: str) -> set[str]:
    """Names of the AWS managed policies attached to the role."""
    attachments = plan.of("aws_iam_role_policy_attachment").values()
    return {each["policy_arn"].rpartition("/")[2] for each in attachments if each["role"] == role}


def reached(plan: Plan, role: str, action: str) -> set[str]:
    """Resources on which the role may perform exactly this action."""
    return {
        resource
        for each in granted(plan, role)
        if each["Effect"] == "Allow" and action in listed(each["Action"])
        for resource in listed(each["Resource"])
    }
