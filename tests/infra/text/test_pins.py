"""External artifacts are pinned by digest or SHA, or listed in docs/pins.md, which lists nothing else."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
import yaml

from tests.infra.charts import CHARTS
from tests.infra.repository_files import ROOT, tracked
from tests.infra.terraform_files import TERRAFORM, parsed
from tests.infra.text.pins import Pin, all_pins, has_end, listed, pins, violations

DIGEST: Final = f"@sha256:{'a' * 64}"
SHA: Final = "a" * 40
WORKFLOW: Final = ".github/workflows/a.yml"
CHART: Final = "charts/a/Chart.yaml"
VALUES: Final = "charts/a/values.yaml"


@pytest.mark.property(4)
def test_external_artifacts_are_pinned_by_hash_or_listed(evidence: Callable[[str], None]) -> None:
    found = all_pins()
    known = listed((ROOT / "docs/pins.md").read_text(encoding="utf-8"))
    assert violations(found, known) == []
    kinds = Counter("charts" if " " in pin.name else "actions" if "@" in pin.name else "images" for pin in found)
    assert kinds.keys() == {"images", "actions", "charts"}
    hashed = sum(pin.hashed for pin in found)
    evidence(
        f"{kinds['images']} images, {kinds['actions']} actions, {kinds['charts']} charts: {hashed} pinned by "
        f"digest or SHA, the others exact and listed in docs/pins.md, whose {len(known)} lines are all used"
    )


@pytest.mark.parametrize(
    ("path", "text", "violation"),
    [
        ("Dockerfile", "FROM python:3.11.15-slim AS build\n", "python:3.11.15-slim has no digest"),
        ("Dockerfile", "FROM --platform=linux/arm64 python:3.11.15\n", "python:3.11.15 has no digest"),
        ("Dockerfile", f"FROM a:1.0.0{DIGEST} AS b\nCOPY --from=c:1.0.0 /x /x\n", "c:1.0.0 has no digest"),
        (".ci/a.py", 'BUILDER: Final = "moby/buildkit:v1.0.0"\n', "moby/buildkit:v1.0.0 has no digest"),
        ("compose.yaml", "services: {a: {image: postgres}}", "postgres is not exact"),
        ("compose.yaml", "services: {a: {image: postgres:18}}", "postgres:18 is not exact"),
        ("compose.yaml", f"services: {{a: {{image: 'postgres:latest{DIGEST}'}}}}", "postgres:latest is not exact"),
        ("compose.yaml", "services: {a: {image: postgres:18.4}}", "compose.yaml: postgres:18.4 has no digest"),
        ("compose.yaml", "services: {a: {image: 'postgres:18.4@sha256:abc'}}", "is not exact"),
        (WORKFLOW, "jobs: {a: {container: debian:12.5}}", "debian:12.5 has no digest"),
        (WORKFLOW, "jobs: {a: {container: {image: debian:12.5}}}", "debian:12.5 has no"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: actions/checkout@v6}]}}", "checkout@v6 is not exact"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: actions/checkout@main}]}}", "checkout@main is not"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: a/b@v6.0.1}]}}", "a/b@v6.0.1 has no digest"),
        (WORKFLOW, "jobs: {a: {uses: a/b/.github/workflows/c.yml@v1.0.0}}", "has no digest"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: 'docker://a:1.0.0'}]}}", "a:1.0.0 has no digest"),
        (CHART, "dependencies: [{name: keda, version: ~2.20.0}]", "keda ~2.20.0 is not exact"),
        (CHART, "dependencies: [{name: keda, version: '>=2.20.0'}]", "keda >=2.20.0 is not exact"),
        (CHART, "dependencies: [{name: keda, version: 2.x.x}]", "keda 2.x.x is not exact"),
        (CHART, "dependencies: [{name: keda, version: 2.20.2}]", "docs/pins.md does not list it there"),
        (VALUES, "image: {registry: ghcr.io, repository: a/b, tag: '1'}", "ghcr.io/a/b:1 is not exact"),
        (VALUES, "b: [{image: {repository: b, tag: 1.0.0}}]", "b:1.0.0 has no digest"),
        (VALUES, "cluster: {imageName: 'a/b:18.3-x'}", "a/b:18.3-x has no digest"),
        ("charts/a/templates/a.yaml", "    - name: a\n      image: busybox:1.36\n", "busybox:1.36 has no"),
        ("charts/a/templates/a.tpl", '    - image: "busybox"\n', "busybox is not exact"),
    ],
)
def test_an_artifact_without_a_hash_is_reported(path: str, text: str, violation: str) -> None:
    assert violation in "\n".join(violations(pins(path, text), {}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", f"FROM python:3.11.15{DIGEST} AS build\nFROM build\nCOPY --from=build /a /a\nFROM scratch\n"),
        ("compose.yaml", f"services: {{a: {{image: 'postgres:18.4{DIGEST}'}}, b: {{image: x:local, build: .}}}}"),
        (WORKFLOW, f"jobs: {{a: {{steps: [{{uses: a/b@{SHA}}}, {{uses: ./.github/c}}]}}}}"),
        (VALUES, f"image: {{repository: a/b, tag: 1.0.0, digest: '{DIGEST[1:]}'}}"),
        ("charts/a/templates/a.yaml", 'image: {{ include "anden.image" . }}\n'),
    ],
)
def test_an_artifact_pinned_by_hash_is_accepted(path: str, text: str) -> None:
    assert violations(pins(path, text), {}) == []


def test_a_listed_pin_covers_only_its_location() -> None:
    known = listed("| `a:1.0.0` | `compose.yaml` | why |\n| `keda` 2.20.2 | `charts/keda` | why |\n")
    assert known == {"a:1.0.0": {"compose.yaml"}, "keda 2.20.2": {"charts/keda"}}
    used = [Pin("a:1.0.0", True, False, "compose.yaml"), Pin("keda 2.20.2", True, False, "charts/keda/Chart.yaml")]
    assert violations(used, known) == []
    elsewhere = [*used, Pin("a:1.0.0", True, False, "Dockerfile")]
    assert violations(elsewhere, known) == [
        "Dockerfile: a:1.0.0 has no digest, and docs/pins.md does not list it there"
    ]


def test_an_unused_pin_is_reported() -> None:
    known = {"a:1.0.0": {"compose.yaml", "Dockerfile"}, "b:1.0.0": {"compose.yaml"}}
    assert violations([Pin("a:1.0.0", True, True, "compose.yaml")], known) == [
        "docs/pins.md: a:1.0.0 is not in Dockerfile",
        "docs/pins.md: b:1.0.0 is not in compose.yaml",
    ]


@pytest.mark.property(4)
def test_the_pipeline_writes_andens_image_tag_and_digest() -> None:
    """Its tags are immutable in the registry; the first own release adds a digest."""
    written = yaml.safe_load((CHARTS / "anden/values-image.yaml").read_text(encoding="utf-8"))["image"]
    assert re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", written["tag"])
    assert re.fullmatch(r"(sha256:[0-9a-f]{64})?", written["digest"])
    (repository,) = (
        block["aws_ecr_repository"]["this"]
        for block in parsed(TERRAFORM / "modules/registry/main.tf")["resource"]
        if "aws_ecr_repository" in block
    )
    assert repository["image_tag_mutability"] == "IMMUTABLE"


@pytest.mark.property(4)
def test_every_version_constraint_has_an_upper_bound(evidence: Callable[[str], None]) -> None:
    found = {}
    for path in tracked(":/*.tf"):
        for block in parsed(path).get("terraform", []):
            name = path.relative_to(ROOT).as_posix()
            if path.name == "versions.tf" or "required_version" in block:
                found[name, "terraform"] = block.get("required_version", "")
            for group in block.get("required_providers", []):
                found |= {(name, provider): body["version"] for provider, body in group.items()}
    assert len(found) >= 2 * len(list(TERRAFORM.rglob("versions.tf")))
    assert {key: constraint for key, constraint in found.items() if not has_end(constraint)} == {}
    evidence(f"{len(found)} constraints on Terraform and its providers, each with an upper bound")


@pytest.mark.parametrize(
    ("constraint", "ends"),
    [
        ("", False),
        (">= 5.95", False),
        ("> 1", False),
        (">= 5.95, != 5.96", False),
        (">= 5.95, < 7.0", True),
        ("~> 3.0", True),
        ("5.100.0", True),
        ("= 5.100.0", True),
    ],
)
def test_an_upper_bound_is_detected(constraint: str, ends: bool) -> None:
    assert has_end(constraint) is ends
