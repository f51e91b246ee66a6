"""All steps from a merge to a running image use the same branch, registries, platforms and roles."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from apps import __version__
from tests.infra.charts import ROOT, anden
from tests.infra.delivery.repository import FILE, Repository
from tests.infra.delivery.scripts import script
from tests.infra.plans import ENVIRONMENTS, Planner
from tests.infra.workflows import read, workflows


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read(workflows()[name])["jobs"]
    return found


def test_only_tested_commits_on_main_are_delivered_to_configured_registries() -> None:
    deliver = jobs("ci")["deliver"]
    assert deliver["needs"] == ["test", "infra", "image"]
    assert deliver["if"].split(" && ") == [
        "github.event_name != 'pull_request'",
        "github.ref == 'refs/heads/main'",
        "vars.IMAGE_TARGETS != ''",
    ]
    assert read(workflows()["delivery"])["on"] == "workflow_call"


def test_the_pipelines_own_commit_starts_no_run() -> None:
    assert read(workflows()["ci"])["on"]["push"] == {"branches": ["main"], "paths-ignore": [FILE]}
    assert script("deploy").FILE == FILE


def test_the_guide_documents_exactly_the_variables_that_workflows_read() -> None:
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


def test_jobs_that_read_history_fetch_all_of_it() -> None:
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
def test_releases_outlive_images_of_main_and_rules_count_only_tags(planned: Planner, environment: str) -> None:
    rules = json.loads(planned(environment).only("aws_ecr_lifecycle_policy")["policy"])["rules"]
    assert [rule["selection"].get("tagPatternList") for rule in rules] == [["v*"], ["*-*"], None]
    assert [rule["selection"]["countType"] for rule in rules[:2]] == ["imageCountMoreThan"] * 2
    assert re.fullmatch(rules[1]["selection"]["tagPatternList"][0].replace("*", ".*"), "0.1.0-0123456789ab")


def test_the_probe_runs_after_each_deploy_and_continuously() -> None:
    objects = anden("prod")
    hooks = {
        each["metadata"]["name"]
        for each in objects
        if each["metadata"].get("annotations", {}).get("argocd.argoproj.io/hook") == "PostSync"
    }
    assert "anden-probe" in hooks
    (probe,) = (each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == "anden-probe")
    main, sidecar = probe["spec"]["template"]["spec"]["containers"]
    assert main["args"][main["args"].index("--every") + 1] == "60"
    assert sidecar["args"][:3] == ["manage", "metrics", "serve"]
    assert probe["spec"]["template"]["metadata"]["labels"]["anden/metrics"] == "true"


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("# C\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n### Added\n- A.\n\n## 0.1.0\n- B.\n", "### Added\n- A."),
        ("## 0.2.0\n- Last.\n", "- Last."),
    ],
)
def test_release_notes_are_the_changelog_section(text: str, notes: str) -> None:
    assert script("changelog").section(text, "0.2.0") == notes


@pytest.mark.parametrize(
    "text", ["## Unreleased\n- A.\n", "## 0.2.0\n\n## 0.1.0\n- B.\n", "## 0.2.01\n- A.\n", "## 0x2.0\n- A.\n"]
)
def test_a_version_without_a_changelog_section_is_rejected(text: str) -> None:
    changelog = script("changelog")
    with pytest.raises(changelog.Refused, match=r"CHANGELOG\.md has no section 0\.2\.0, or nothing in it"):
        changelog.section(text, "0.2.0")


def test_a_version_is_released_once(tmp_path: Path) -> None:
    repository = Repository.made(tmp_path)
    repository.merged(".ci/changelog.py", (ROOT / ".ci/changelog.py").read_text(encoding="utf-8"))
    repository.merged("CHANGELOG.md", f"## {__version__}\n- A.\n")
    repository.checked_out()
    assert repository.run("changelog", "tag")[:2] == (0, f"v{__version__}")
    repository.git(repository.server, "tag", f"v{__version__}", "main")
    code, _, errors = repository.run("changelog", "tag")
    assert code == 1
    assert f"v{__version__} is there already" in errors


def test_a_release_tags_its_image_before_it_is_published() -> None:
    release = jobs("release")
    assert read(workflows()["release"])["on"] == "workflow_dispatch"
    assert release["version"]["if"] == "github.ref == 'refs/heads/main'"
    assert (release["image"]["needs"], release["page"]["needs"]) == ("version", ["version", "image"])
    assert release["image"]["if"] == "vars.IMAGE_TARGETS != ''"
