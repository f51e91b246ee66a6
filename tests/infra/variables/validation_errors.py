"""What Terraform itself says of values: a root without resources and providers, asked in one run."""

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
    """Values for the variables of a root, named as in the mapping of roots."""

    root: str
    values: Mapping[str, Any]


def verdicts(folder: Path, roots: Mapping[str, str], questions: Sequence[VariableValues]) -> list[list[str]]:
    """The complaints for each question, in its order; none where the values are accepted.

    Each question is a file of its own: an error ends the runs of its file. The folder is the working directory.
    """
    for name, text in roots.items():
        (folder / name).mkdir()
        (folder / name / "main.tf").write_text(text, encoding="utf-8")
    (folder / "main.tf").touch()  # without it the folder is no configuration, and nothing is installed
    (folder / "tests").mkdir()
    for number, question in enumerate(questions):
        run = {"command": "plan", "module": {"source": f"./{question.root}"}}
        document = {"variables": _literal(question.values), "run": {"asked": run}}
        (folder / f"tests/{number}.tftest.json").write_text(json.dumps(document), encoding="utf-8")
    _terraform(folder, "init", "-input=false")
    return _complaints(_terraform(folder, "test", "-json"), len(questions))


def _literal(value: Any) -> Any:
    """The value in Terraform's JSON, where a string is a template."""
    if isinstance(value, Mapping):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_literal(inner) for inner in value]
    return value.replace("${", "$${").replace("%{", "%%{") if isinstance(value, str) else value


def _terraform(folder: Path, *words: str) -> str:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [terraform(), *words], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )
    # A test whose values are refused ends with 1, and says so in its output.
    assert done.returncode == 0 or (words[0] == "test" and done.stdout), done.stderr
    return done.stdout


def _complaints(output: str, count: int) -> list[list[str]]:
    """The messages by question, each without the place of its rule."""
    found: list[list[str]] = [[] for _ in range(count)]
    ran = set()
    for line in output.splitlines():
        event = json.loads(line)
        number = int(Path(event.get("@testfile", "tests/-1")).name.partition(".")[0])
        if event.get("test_run", {}).get("progress") == "complete":
            ran.add(number)
        if told := event.get("diagnostic"):
            assert number >= 0, told  # of no test's file: nothing was asked at all
            message = str(told["detail"]).partition("\n\nThis was checked by")[0]
            found[number].append(
                message if "This was checked by" in told["detail"] else f"{told['summary']}: {message}"
            )
    assert ran == set(range(count)), f"Terraform did not run {sorted(set(range(count)) - ran)}"
    return found
