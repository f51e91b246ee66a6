"""Plans violate no rule, and each rule rejects what it should."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.infra.plans import ENVIRONMENTS, PLANS, Planner, Resource
from tests.infra.policies.policies import PACKAGES, RULES, broad, justifications, rejected

CASES: Final[list[dict[str, Any]]] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
KEY: Final = "arn:aws:kms:r:0:key/k"
# Valid defaults for what a case does not specify.
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
    """The case as resources of a plan, with policies as text."""
    return [Resource(f"{kind}.case", kind, {**SOUND.get(kind, {}), **_texts(values)}) for kind, values in case.items()]


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """Each policy as JSON text; statements allow by default."""
    written = {}
    for key in {"policy", "assume_role_policy"} & set(values):
        statements = values[key] if isinstance(values[key], list) else [values[key]]
        written[key] = json.dumps({"Statement": [{"Effect": "Allow", **each} for each in statements]})
    return {**values, **written}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["rule"])
def test_a_rule_rejects_bad_and_accepts_good_resources(case: dict[str, Any]) -> None:
    reasons = dict.fromkeys(case.get("justified", []), "given in the case")
    for wrong in case["rejected"]:
        assert {rule for rule, _ in rejected(resources(wrong), {})} == {case["rule"]}, wrong
    for right in case["accepted"]:
        assert rejected(resources(right), reasons) == set(), right


def test_each_rule_has_a_case() -> None:
    assert {case["rule"] for case in CASES} == RULES
    assert all(case["rejected"] and case["accepted"] for case in CASES)


@pytest.mark.property(2)
@pytest.mark.property(15)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_plans_violate_no_rule(planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]) -> None:
    plan = planned(environment, mode)
    assert rejected(plan.resources, justifications(plan.outputs["station"]["name"])) == set()
    evidence(f"{environment}, {mode}: {len(RULES)} rules in {len(PACKAGES)} files, {len(plan.resources)} resources")


@pytest.mark.property(2)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_broad_permission_has_a_justification_and_vice_versa(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    found = broad(planned(environment))
    reasons = justifications(f"anden-{environment}")
    assert found == set(reasons)
    assert all(reason.strip() for reason in reasons.values())
    evidence(f"{environment}: {len(found)} broad permissions, each justified, and no unused justification")
