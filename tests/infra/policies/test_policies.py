"""What is planned breaks no rule, and each rule refuses what it is there for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.infra.plans import ENVIRONMENTS, PLANS, Planner, Resource
from tests.infra.policies.policies import PACKAGES, RULES, explained, refused, wide

CASES: Final[list[dict[str, Any]]] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
KEY: Final = "arn:aws:kms:r:0:key/k"
# What a case need not say, since it is not what the case is about.
SOUND: Final[dict[str, dict[str, Any]]] = {
    "aws_iam_role": {"name": "r"},
    "aws_iam_role_policy": {"role": "r"},
    "aws_iam_role_policy_attachment": {"role": "r"},
    "aws_db_instance": {
        "publicly_accessible": False,
        "storage_encrypted": True,
        "kms_key_id": KEY,
        "master_user_secret_kms_key_id": KEY,
        "performance_insights_kms_key_id": KEY,
    },
    "aws_eks_cluster": {"encryption_config": [{"resources": ["secrets"], "provider": [{"key_arn": KEY}]}]},
    "aws_msk_cluster": {
        "encryption_info": [
            {
                "encryption_at_rest_kms_key_arn": KEY,
                "encryption_in_transit": [{"client_broker": "TLS", "in_cluster": True}],
            }
        ]
    },
}


def resources(case: dict[str, dict[str, Any]]) -> list[Resource]:
    """The case as a plan has it: policies are text there."""
    return [Resource(f"{kind}.case", kind, {**SOUND.get(kind, {}), **_texts(values)}) for kind, values in case.items()]


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """Each policy as text, its statements allowing where they do not say."""
    written = {}
    for key in {"policy", "assume_role_policy"} & set(values):
        statements = values[key] if isinstance(values[key], list) else [values[key]]
        written[key] = json.dumps({"Statement": [{"Effect": "Allow", **each} for each in statements]})
    return {**values, **written}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["rule"])
def test_a_rule_refuses_one_and_lets_the_other_through(case: dict[str, Any]) -> None:
    reasons = dict.fromkeys(case.get("explained", []), "as the case says")
    for wrong in case["refused"]:
        assert {rule for rule, _ in refused(resources(wrong), {})} == {case["rule"]}, wrong
    for right in case["accepted"]:
        assert refused(resources(right), reasons) == set(), right


def test_each_rule_has_a_case() -> None:
    assert {case["rule"] for case in CASES} == RULES
    assert all(case["refused"] and case["accepted"] for case in CASES)


@pytest.mark.property(2)
@pytest.mark.property(15)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_what_is_planned_breaks_no_rule(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    plan = planned(environment, mode)
    assert refused(plan.resources, explained(plan.outputs["station"]["name"])) == set()
    evidence(f"{environment}, {mode}: {len(RULES)} rules in {len(PACKAGES)} files, {len(plan.resources)} resources")


@pytest.mark.property(2)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_wide_right_is_explained_and_each_explanation_needed(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    found = wide(planned(environment))
    reasons = explained(f"anden-{environment}")
    assert found == set(reasons)
    assert all(reason.strip() for reason in reasons.values())
    evidence(f"{environment}: {len(found)} wide rights, each with a reason, none without use")
