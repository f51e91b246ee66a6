"""What comes from elsewhere is held by digest or SHA, or docs/pins.md lists it, and lists nothing else."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
import yaml

from tests.infra.charts import CHARTS
from tests.infra.repository_files import ROOT, tracked
from tests.infra.terraform_files import TERRAFORM, parsed
from tests.infra.text.pins import Pin, complaints, everything, has_end, listed, pins

DIGEST: Final = f"@sha256:{'a' * 64}"
SHA: Final = "a" * 40
WORKFLOW: Final = ".github/workflows/a.yml"
CHART: Final = "charts/a/Chart.yaml"
VALUES: Final = "charts/a/values.yaml"


@pytest.mark.property(4)
def test_what_comes_from_elsewhere_is_held_or_listed(evidence: Callable[[str], None]) -> None:
    found = everything()
    known = listed((ROOT / "docs/pins.md").read_text(encoding="utf-8"))
    assert complaints(found, known) == []
    kinds = Counter("charts" if " " in pin.name else "actions" if "@" in pin.name else "images" for pin in found)
    assert kinds.keys() == {"images", "actions", "charts"}
    held = sum(pin.held for pin in found)
    evidence(
        f"{kinds['images']} images, {kinds['actions']} actions, {kinds['charts']} charts: {held} held by digest or "
        f"SHA, the others exact and in docs/pins.md, of whose {len(known)} lines all are used"
    )


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("Dockerfile", "FROM python:3.11.15-slim AS build\n", "python:3.11.15-slim is held by no digest"),
        ("Dockerfile", "FROM --platform=linux/arm64 python:3.11.15\n", "python:3.11.15 is held by no digest"),
        ("Dockerfile", f"FROM a:1.0.0{DIGEST} AS b\nCOPY --from=c:1.0.0 /x /x\n", "c:1.0.0 is held by no digest"),
        (".ci/a.py", 'BUILDER: Final = "moby/buildkit:v1.0.0"\n', "moby/buildkit:v1.0.0 is held by no digest"),
        ("compose.yaml", "services: {a: {image: postgres}}", "postgres is not exact"),
        ("compose.yaml", "services: {a: {image: postgres:18}}", "postgres:18 is not exact"),
        ("compose.yaml", f"services: {{a: {{image: 'postgres:latest{DIGEST}'}}}}", "postgres:latest is not exact"),
        ("compose.yaml", "services: {a: {image: postgres:18.4}}", "compose.yaml: postgres:18.4 is held by no digest"),
        ("compose.yaml", "services: {a: {image: 'postgres:18.4@sha256:abc'}}", "is not exact"),
        (WORKFLOW, "jobs: {a: {container: debian:12.5}}", "debian:12.5 is held by no digest"),
        (WORKFLOW, "jobs: {a: {container: {image: debian:12.5}}}", "debian:12.5 is held by no"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: actions/checkout@v6}]}}", "checkout@v6 is not exact"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: actions/checkout@main}]}}", "checkout@main is not"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: a/b@v6.0.1}]}}", "a/b@v6.0.1 is held by no digest"),
        (WORKFLOW, "jobs: {a: {uses: a/b/.github/workflows/c.yml@v1.0.0}}", "is held by no digest"),
        (WORKFLOW, "jobs: {a: {steps: [{uses: 'docker://a:1.0.0'}]}}", "a:1.0.0 is held by no digest"),
        (CHART, "dependencies: [{name: keda, version: ~2.20.0}]", "keda ~2.20.0 is not exact"),
        (CHART, "dependencies: [{name: keda, version: '>=2.20.0'}]", "keda >=2.20.0 is not exact"),
        (CHART, "dependencies: [{name: keda, version: 2.x.x}]", "keda 2.x.x is not exact"),
        (CHART, "dependencies: [{name: keda, version: 2.20.2}]", "docs/pins.md does not list it there"),
        (VALUES, "image: {registry: ghcr.io, repository: a/b, tag: '1'}", "ghcr.io/a/b:1 is not exact"),
        (VALUES, "b: [{image: {repository: b, tag: 1.0.0}}]", "b:1.0.0 is held by no digest"),
        (VALUES, "cluster: {imageName: 'a/b:18.3-x'}", "a/b:18.3-x is held by no digest"),
        ("charts/a/templates/a.yaml", "    - name: a\n      image: busybox:1.36\n", "busybox:1.36 is held by no"),
        ("charts/a/templates/a.tpl", '    - image: "busybox"\n', "busybox is not exact"),
    ],
)
def test_what_is_not_held_is_found(path: str, text: str, complaint: str) -> None:
    assert complaint in "\n".join(complaints(pins(path, text), {}))


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
def test_what_is_held_is_let_through(path: str, text: str) -> None:
    assert complaints(pins(path, text), {}) == []


def test_a_line_for_one_place_does_not_hold_for_another() -> None:
    known = listed("| `a:1.0.0` | `compose.yaml` | why |\n| `keda` 2.20.2 | `charts/keda` | why |\n")
    assert known == {"a:1.0.0": {"compose.yaml"}, "keda 2.20.2": {"charts/keda"}}
    stands = [Pin("a:1.0.0", True, False, "compose.yaml"), Pin("keda 2.20.2", True, False, "charts/keda/Chart.yaml")]
    assert complaints(stands, known) == []
    elsewhere = [*stands, Pin("a:1.0.0", True, False, "Dockerfile")]
    assert complaints(elsewhere, known) == [
        "Dockerfile: a:1.0.0 is held by no digest, and docs/pins.md does not list it there"
    ]


def test_a_line_that_nothing_needs_is_found() -> None:
    known = {"a:1.0.0": {"compose.yaml", "Dockerfile"}, "b:1.0.0": {"compose.yaml"}}
    assert complaints([Pin("a:1.0.0", True, True, "compose.yaml")], known) == [
        "docs/pins.md: a:1.0.0 does not stand in Dockerfile",
        "docs/pins.md: b:1.0.0 does not stand in compose.yaml",
    ]


@pytest.mark.property(4)
def test_our_own_image_is_named_by_what_a_pipeline_writes() -> None:
    """Its tags cannot be moved in the registry; a digest comes with the first release of one's own."""
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
def test_no_version_of_terraform_or_a_provider_is_without_an_end(evidence: Callable[[str], None]) -> None:
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
    evidence(f"{len(found)} constraints of Terraform and its providers, each with an end")


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
def test_a_constraint_has_an_end_or_not(constraint: str, ends: bool) -> None:
    assert has_end(constraint) is ends
