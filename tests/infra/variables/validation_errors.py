"""Terraform's validation errors for sets of values, from roots without resources and providers, in one run."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.mirror import terraform


@dataclass(frozen=True, slots=True)
class VariableValues:
    """Values for the variables of a root; `root` is a key of the mapping of roots."""

    root: str
    values: Mapping[str, Any]


def validation_errors(folder: Path, roots: Mapping[str, str], value_sets: Sequence[VariableValues]) -> list[list[str]]:
    """The errors of each set of values, in order; empty if they are accepted.

    Each set is a separate test file, because an error ends the runs of its file. The folder is the working directory.
    """
    for name, text in roots.items():
        (folder / name).mkdir()
        (folder / name / "main.tf").write_text(text, encoding="utf-8")
    (folder / "main.tf").touch()  # otherwise the folder is not a configuration, and init does nothing
    (folder / "tests").mkdir()
    for number, value_set in enumerate(value_sets):
        run = {"command": "plan", "module": {"source": f"./{value_set.root}"}}
        document = {"variables": _literal(value_set.values), "run": {"validate": run}}
        (folder / f"tests/{number}.tftest.json").write_text(json.dumps(document), encoding="utf-8")
    _terraform(folder, "init", "-input=false")
    return _errors(_terraform(folder, "test", "-json"), len(value_sets))


def _literal(value: Any) -> Any:
    """Escape template markers in strings: Terraform's JSON evaluates them."""
    if isinstance(value, Mapping):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_literal(inner) for inner in value]
    return value.replace("${", "$${").replace("%{", "%%{") if isinstance(value, str) else value


def _terraform(folder: Path, *arguments: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [terraform(), *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    # A test with rejected values exits with 1 and has output.
    assert done.returncode == 0 or (arguments[0] == "test" and done.stdout), done.stderr
    return done.stdout


def _errors(output: str, count: int) -> list[list[str]]:
    """Error messages by set of values, without the location of the rule."""
    found: list[list[str]] = [[] for _ in range(count)]
    ran = set()
    for line in output.splitlines():
        event = json.loads(line)
        number = int(Path(event.get("@testfile", "tests/-1")).name.partition(".")[0])
        if event.get("test_run", {}).get("progress") == "complete":
            ran.add(number)
        if diagnostic := event.get("diagnostic"):
            assert number >= 0, diagnostic  # not from a test file: nothing was run
            message = str(diagnostic["detail"]).partition("\n\nThis was checked by")[0]
            found[number].append(
                message if "This was checked by" in diagnostic["detail"] else f"{diagnostic['summary']}: {message}"
            )
    assert ran == set(range(count)), f"Terraform did not run {sorted(set(range(count)) - ran)}"
    return found
