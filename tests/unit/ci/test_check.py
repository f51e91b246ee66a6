"""make lint, check and fix: every tool runs, changes are found in any clone, each target prints the next step."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.ci.scripts import changes, check, fix, lint, steps

ROOT = Path(__file__).parents[3]


def python(name: str, code: str, summary: str = "") -> object:
    return steps.Step(name, (sys.executable, "-c", code), summary)


def test_every_step_runs_and_is_reported_even_if_the_first_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = [
        python("types", "import time; print('one', flush=True); time.sleep(0.2); print('two'); exit(3)"),
        python("style", "print('three')"),
        python("migrations", "print('no', 'history')", "None is missing."),
        steps.Step("lost", ("/no/such/tool",)),
    ]
    outcomes = steps.run_all(given, root=tmp_path)
    printed = capsys.readouterr().out
    assert [(outcome.step.name, outcome.code) for outcome in outcomes] == [
        ("types", 3),
        ("style", 0),
        ("migrations", 0),
        ("lost", 127),
    ]
    assert "\none\ntwo\n\n" in printed
    assert "\nthree\n\n" in printed
    assert "None is missing." in printed
    assert "no history" not in printed.replace("print('no', 'history')", "")
    assert "/no/such/tool: No such file or directory" in printed
    assert [line.split()[:2] for line in steps.table(outcomes).splitlines()] == [
        ["types", "FAILED"],
        ["style", "passed"],
        ["migrations", "passed"],
        ["lost", "FAILED"],
    ]
    assert len({line.index(line.split()[1]) for line in steps.table(outcomes).splitlines()}) == 1


def test_a_quiet_run_prints_only_failures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    steps.run_all([python("a", "print(1 + 1)"), python("b", "print(3 + 3); exit(1)")], root=tmp_path, quiet=True)
    assert [line for line in capsys.readouterr().out.splitlines() if line.isdigit()] == ["6"]


def test_lint_includes_the_steps_of_check() -> None:
    assert set(check.steps([])) < set(lint.STEPS)


class Clone:
    """A repository with one commit: a.py, b.py and an ignored folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")
        for name, text in (("a.py", ""), ("b.py", ""), (".gitignore", "made/\n"), ("made/c.py", "")):
            self.write(name, text)
        self.commit()

    def git(self, *words: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *words], cwd=self.root, check=True, capture_output=True)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")

    def changed(self) -> tuple[str, ...]:
        paths: tuple[str, ...] = changes.changes(self.root).paths
        return paths


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_changes_since_main_include_uncommitted_new_and_deleted_files(clone: Clone) -> None:
    assert clone.changed() == ()
    clone.git("switch", "--quiet", "--create", "topic")
    clone.write("a.py", "1\n")
    clone.commit()
    clone.write("ñ b/new.py", "")
    (clone.root / "b.py").unlink()
    assert clone.changed() == ("a.py", "b.py", "ñ b/new.py")
    assert changes.changes(clone.root).base.startswith("main at ")


def test_commits_on_main_are_not_changes(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--create", "topic")
    clone.git("switch", "--quiet", "main")
    clone.write("b.py", "1\n")
    clone.commit()
    clone.git("switch", "--quiet", "topic")
    clone.write("a.py", "1\n")
    assert clone.changed() == ("a.py",)


def test_the_last_commit_is_the_base_without_a_branch_main(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--detach")
    clone.git("branch", "--quiet", "--delete", "--force", "main")
    clone.write("a.py", "1\n")
    assert clone.changed() == ("a.py",)
    assert "there is no branch main here" in changes.changes(clone.root).base


def test_a_clone_of_another_branch_uses_main_of_its_origin(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--create", "topic")
    clone.write("a.py", "1\n")
    clone.commit()
    clone.git("clone", "--quiet", ".", "made/clone")
    other = clone.root / "made/clone"
    assert changes.changes(other).base.startswith("origin/main at ")
    assert changes.changes(other).paths == ("a.py",)


def test_every_file_is_new_before_the_first_commit_and_a_folder_outside_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(changes.NoRepository, match="not in a git repository"):
        changes.changes(tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "a.py").touch()
    assert changes.changes(tmp_path).paths == ("a.py",)


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("apps/api/urls.py", ["api"]),
        ("platform/web/parser.py", ["platform", "web"]),
        ("tests/unit/ingest/world.py", ["ingest"]),
        ("dashboards/grafana/ingest.json", ["monitoring"]),
        ("contracts/flights.yaml", ["contracts"]),
        (".ci/steps.py", ["ci"]),
        ("README.md", ["docs"]),
        ("docs/guides/api.md", ["docs"]),
        ("terraform/aws/main.tf", []),
    ],
)
def test_a_path_selects_the_unit_tests_named_after_one_of_its_folders(path: str, folders: list[str]) -> None:
    known = check.unit_folders(ROOT)
    assert check.touched([path], known) == folders
    assert (ROOT / path).exists()


def test_check_lists_what_it_did_not_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "changes", lambda _: changes.Changes("main", ("apps/api/urls.py",)))
    monkeypatch.setattr(check, "steps", lambda folders: [python("unit tests", f"assert {folders} == ['api']")])
    assert check.main() == 0
    printed = capsys.readouterr().out
    assert "1 files differ from main" in printed
    assert "Ran the unit tests of api." in printed
    left = printed.partition("Left to make test: ")[2]
    assert all(name in left for name in ("ingest", "integration", "infra", "migrations"))
    assert "make test" in left
    monkeypatch.setattr(check, "steps", lambda _: [python("ruff check", "exit(1)")])
    assert check.main() == 1
    assert "make fix" in capsys.readouterr().out


def test_fix_sorts_formats_and_lists_what_is_left(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["F", "I", "S101"]\n', encoding="utf-8")
    module = tmp_path / "module.py"
    module.write_text("import re\nimport json\nimport os\nprint(json , os)\n", encoding="utf-8")
    assert fix.fix(tmp_path, fix.STYLE)
    assert module.read_text(encoding="utf-8") == "import json\nimport os\n\nprint(json, os)\n"
    assert "make check" in capsys.readouterr().out
    module.write_text("assert  True\n", encoding="utf-8")
    assert not fix.fix(tmp_path, fix.STYLE)
    assert module.read_text(encoding="utf-8") == "assert True\n"
    printed = capsys.readouterr().out
    assert "S101" in printed
    assert "fix by hand what ruff check --fix reports above" in printed


@pytest.mark.parametrize("target", ["lint", "check", "fix"])
def test_each_make_target_runs_its_script(target: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target, f"ANDEN_VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"{tmp_path}/bin/python .ci/{target}.py" in done.stdout
