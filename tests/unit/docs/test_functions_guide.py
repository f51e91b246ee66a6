"""docs/guides/functions.md matches the code: handlers, limits, variables, and a valid Terraform fragment."""

import importlib
import re
from pathlib import Path
from typing import Final

import hcl2
import pytest

from apps.api.probe.checks import CHECKS, EDGE_CHECKS
from apps.api.problems import PROBLEM_TYPES
from apps.telemetry.environment import EnvironmentSettings
from functions.gateway import LIMIT_BYTES
from packing.api import LAMBDA, requirements
from packing.build import UNZIPPED_MIB, ZIPPED_MIB
from packing.probe import MODULES, probe_zip

ROOT: Final = Path(__file__).parents[3]
GUIDE: Final = (ROOT / "docs/guides/functions.md").read_text(encoding="utf-8")
WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def test_handlers_exist() -> None:
    handlers = set(re.findall(r"functions\.\w+\.handler", GUIDE))
    assert handlers == {"functions.probe.handler", "functions.api.handler"}
    assert callable(importlib.import_module("functions.probe").handler)
    # The API's module reads its environment on import.
    source = (ROOT / "platform/functions/api.py").read_text(encoding="utf-8")
    assert "\nhandler = gateway_handler(application)\n" in source


def test_the_contents_of_the_zips_are_counted() -> None:
    assert f"{WORDS[len(MODULES)]} project files" in GUIDE
    assert f"{len(list(requirements(LAMBDA)))} packages pinned by hash" in GUIDE
    assert f"| {len(probe_zip()) / 1024:.0f} KiB, uncompressed |" in GUIDE
    assert f"(Lambda's limits are {ZIPPED_MIB} and {UNZIPPED_MIB})" in GUIDE


def test_the_probes_checks_are_counted() -> None:
    sentence = f"Of the probe's {WORDS[len(CHECKS)]} checks it makes {WORDS[len(EDGE_CHECKS)]}"
    assert sentence in " ".join(GUIDE.split())


def test_limits_and_problems_are_those_of_the_code() -> None:
    assert f"| {LIMIT_BYTES // 1_000_000} MB per response" in GUIDE
    slugs = {problem.slug for problem in PROBLEM_TYPES.values()}
    named = set(re.findall(r"40[04] `([a-z-]+)`", GUIDE))
    assert named == {"response-too-large", "query-timeout", "dataset-not-found"}
    assert named <= slugs


def test_variables_are_settings_of_a_function() -> None:
    known = {
        f"{kind.model_config.get('env_prefix', '')}{field}".upper()
        for kind in EnvironmentSettings.__subclasses__()
        for field in kind.model_fields
    }
    own = {"ANDEN_FUNCTION_SECRET"}
    assert "ANDEN_FUNCTION_SECRET" in (ROOT / "platform/functions/api.py").read_text(encoding="utf-8")
    named = set(re.findall(r"\bANDEN_[A-Z_]+", GUIDE))
    assert own < named
    assert named - own <= known


def test_the_fragment_is_terraform_and_uses_what_the_module_has() -> None:
    (fragment,) = re.findall(r"```hcl\n(.*?)```", GUIDE, re.DOTALL)
    assert hcl2.loads(fragment)["resource"]
    module = ROOT / "terraform/modules/edge"
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(module.glob("*.tf")))
    assert "local.api_host" in fragment
    assert "  api_host = " in source
    own = {"api_zip"}
    variables = set(re.findall(r"\bvar\.(\w+)", fragment)) - own
    assert [name for name in sorted(variables) if f'variable "{name}"' not in source] == []
    assert 'resource "aws_apigatewayv2_api" "this"' in source


@pytest.mark.parametrize("command", ["make function", "make render", "make infra"])
def test_commands_are_targets_of_make(command: str) -> None:
    assert f"`{command}`" in GUIDE
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE)
