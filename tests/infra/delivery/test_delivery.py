"""The chain from a merge to a running image: its links name the same branch, registries, platforms and roles."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.charts import ROOT, anden
from tests.infra.delivery.repository import FILE, Repository
from tests.infra.delivery.scripts import script
from tests.infra.plans import ENVIRONMENTS, Planner
from tests.infra.workflows import read, workflows


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read(workflows()[name])["jobs"]
    return found


def test_only_what_was_tested_on_main_is_delivered_and_only_where_there_are_registries() -> None:
    deliver = jobs("ci")["deliver"]
    assert deliver["needs"] == ["test", "infra", "image"]
    assert deliver["if"].split(" && ") == [
        "github.event_name != 'pull_request'",
        "github.ref == 'refs/heads/main'",
        "vars.IMAGE_TARGETS != ''",
    ]
    assert read(workflows()["delivery"])["on"] == "workflow_call"


def test_the_pipeline_s_own_commit_starts_nothing() -> None:
    assert read(workflows()["ci"])["on"]["push"] == {"branches": ["main"], "paths-ignore": [FILE]}
    assert script("deploy").FILE == FILE


def test_each_variable_that_a_workflow_reads_is_explained_and_no_other() -> None:
    read_there = {name for text in workflows().values() for name in re.findall(r"\bvars\.(\w+)", text)}
    guide = (ROOT / "docs/guides/delivery.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", guide, re.MULTILINE)) == read_there


def test_each_job_waits_for_what_it_needs_and_main_is_written_once() -> None:
    delivery = jobs("delivery")
    assert {name: job.get("needs") for name, job in delivery.items()} == {
        "due": None,
        "build": "due",
        "publish": ["due", "build"],
        "commit": ["due", "publish"],
        "propose": ["due", "publish"],
    }
    assert (delivery["commit"]["if"], delivery["propose"]["if"]) == (
        "vars.DEPLOY_BY != 'pull-request'",
        "vars.DEPLOY_BY == 'pull-request'",
    )


def test_who_asks_history_has_it_whole() -> None:
    for name in ("delivery", "release"):
        for job in jobs(name).values():
            if any("deploy.py" in step.get("run", "") for step in job["steps"]):
                assert job["steps"][0]["with"]["fetch-depth"] == 0


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_image_is_built_for_the_machines_that_run_it(planned: Planner, environment: str) -> None:
    kinds = {group["ami_type"] for group in planned(environment).of("aws_eks_node_group").values()}
    wanted = {"arm64" if "ARM_64" in kind else "amd64" for kind in kinds}
    built = {each["platform"] for each in jobs("delivery")["build"]["strategy"]["matrix"]["include"]}
    assert wanted
    assert wanted <= built
    assert built == set(script("image").PLATFORMS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_run_from_the_repository_that_the_pipeline_pushes_to(planned: Planner, environment: str) -> None:
    outputs = planned(environment).outputs
    _, repository = outputs["image_target"].split()
    assert repository == outputs["station"]["image_repository"]
    assert planned(environment).only("aws_ecr_repository")["name"] == f"anden-{environment}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_release_outlives_the_images_of_main_and_no_rule_counts_parts(planned: Planner, environment: str) -> None:
    rules = json.loads(planned(environment).only("aws_ecr_lifecycle_policy")["policy"])["rules"]
    assert [rule["selection"].get("tagPatternList") for rule in rules] == [["v*"], ["*-*"], None]
    assert [rule["selection"]["countType"] for rule in rules[:2]] == ["imageCountMoreThan"] * 2
    assert re.fullmatch(rules[1]["selection"]["tagPatternList"][0].replace("*", ".*"), "0.1.0-0123456789ab")


def test_the_probe_follows_each_deploy_and_goes_on_where_its_counts_are_scraped() -> None:
    objects = anden("prod")
    hooks = {
        each["metadata"]["name"]
        for each in objects
        if each["metadata"].get("annotations", {}).get("argocd.argoproj.io/hook") == "PostSync"
    }
    assert "anden-probe" in hooks
    (probe,) = (each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == "anden-probe")
    own, beside = probe["spec"]["template"]["spec"]["containers"]
    assert own["args"][own["args"].index("--every") + 1] == "60"
    assert beside["args"][:3] == ["manage", "metrics", "serve"]
    assert probe["spec"]["template"]["metadata"]["labels"]["anden/metrics"] == "true"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# C\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n### Added\n- A.\n\n## 0.1.0\n- B.\n", "### Added\n- A."),
        ("## 0.2.0\n- Last.\n", "- Last."),
    ],
)
def test_a_release_s_page_is_its_section_of_the_changelog(text: str, said: str) -> None:
    assert script("changelog").section(text, "0.2.0") == said


@pytest.mark.parametrize(
    "text", ["## Unreleased\n- A.\n", "## 0.2.0\n\n## 0.1.0\n- B.\n", "## 0.2.01\n- A.\n", "## 0x2.0\n- A.\n"]
)
def test_a_version_without_its_section_is_no_release(text: str) -> None:
    changelog = script("changelog")
    with pytest.raises(changelog.Refused, match=r"CHANGELOG\.md has no section 0\.2\.0, or nothing in it"):
        changelog.section(text, "0.2.0")


def test_a_version_is_released_once(tmp_path: Path) -> None:
    repository = Repository.made(tmp_path)
    repository.merged(".ci/changelog.py", (ROOT / ".ci/changelog.py").read_text(encoding="utf-8"))
    repository.merged("CHANGELOG.md", "## 0.1.0\n- A.\n")
    repository.checked_out()
    assert repository.run("changelog", "tag")[:2] == (0, "v0.1.0")
    repository.git(repository.server, "tag", "v0.1.0", "main")
    code, _, told = repository.run("changelog", "tag")
    assert code == 1
    assert "v0.1.0 is there already" in told


def test_a_release_comes_from_main_and_names_its_image_before_it_has_a_page() -> None:
    release = jobs("release")
    assert read(workflows()["release"])["on"] == "workflow_dispatch"
    assert release["version"]["if"] == "github.ref == 'refs/heads/main'"
    assert (release["image"]["needs"], release["page"]["needs"]) == ("version", ["version", "image"])
    assert release["image"]["if"] == "vars.IMAGE_TARGETS != ''"
