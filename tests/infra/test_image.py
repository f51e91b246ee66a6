"""Rules for the Dockerfile that need neither hadolint nor Docker."""

import ast
import importlib.metadata
import re
import shlex
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    word: str
    text: str


@dataclass(frozen=True)
class Stage:
    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def of(self, word: str) -> list[str]:
        return [item.text for item in self.instructions if item.word == word]


def instructions() -> Iterator[Instruction]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield Instruction(word, rest.strip())


def stages() -> dict[str, Stage]:
    found: dict[str, list[Instruction]] = {}
    bases: dict[str, str] = {}
    name = ""
    for item in instructions():
        if item.word == "FROM":
            base, _, name = item.text.partition(" AS ")
            found[name], bases[name] = [], base
        else:
            found[name].append(item)
    return {name: Stage(bases[name], name, tuple(items)) for name, items in found.items()}


def lineage(name: str) -> list[Stage]:
    """The stage and its base stages."""
    everything = stages()
    chain = []
    while name in everything:
        chain.append(everything[name])
        name = everything[name].base
    return chain


def test_every_stage_has_a_name() -> None:
    assert "" not in stages()


@pytest.mark.parametrize("target", ["release", "demo"])
def test_the_image_runs_as_a_numeric_non_root_user(target: str) -> None:
    users = [user for stage in lineage(target) for user in stage.of("USER")]
    assert users
    for user in users:
        assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    last = [item.word for item in stages()["anden"].instructions]
    assert "RUN" not in last[last.index("USER") :]


def test_packages_are_installed_by_hash() -> None:
    installs = [
        part
        for item in instructions()
        if item.word == "RUN"
        for part in item.text.split("&&")
        if "pip install" in part
    ]
    assert len(installs) == 2
    for command in installs:
        words = shlex.split(command)
        assert "--require-hashes" in words
        requirements = words[words.index("-r") + 1]
        text = (ROOT / "requirements" / Path(requirements).name).read_text(encoding="utf-8")
        pins = [line for line in text.splitlines() if line and line[0] not in " #-"]
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_the_build_downloads_only_packages() -> None:
    words = {item.word for item in instructions()}
    assert "ADD" not in words
    commands = " ".join(item.text for item in instructions() if item.word == "RUN")
    assert not re.search(r"\b(curl|wget|git|apt-get|apk|npm)\b", commands)


def test_no_secret_stays_in_the_image() -> None:
    given = [item.text for item in instructions() if item.word in {"ENV", "ARG"}]
    assert given
    assert [text for text in given if re.search(r"SECRET|PASSWORD|TOKEN|_URL|KEY", text)] == []


def test_copied_files_exist_and_are_not_ignored() -> None:
    rules = [
        line.strip()
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert rules[0] == "*", "everything is ignored unless it is listed"
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    copied = [
        source
        for item in instructions()
        if item.word == "COPY" and not item.text.startswith("--from=")
        for source in item.text.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, rule) for rule in allowed), source
    for private in (".anden", ".git", ".venv", "tests", "embedded"):
        assert private not in allowed


def test_the_entry_point_exists_and_is_executable() -> None:
    assert stages()["anden"].of("ENTRYPOINT") == ['["/app/platform/entrypoint"]']
    assert stages()["anden"].of("WORKDIR") == ["/app"]
    assert (ROOT / "platform/entrypoint").stat().st_mode & stat.S_IXUSR


def imports(path: Path) -> Iterator[str]:
    """Top-level names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_images_packages_cover_everything_the_apps_import() -> None:
    pinned = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements/base.txt").read_text(), re.M))
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in pinned}
    files = [
        *ROOT.glob("apps/**/*.py"),
        *ROOT.glob("platform/config/*.py"),
        *ROOT.glob("platform/web/*.py"),
        ROOT / "manage.py",
    ]
    wanted = {name for path in files for name in imports(path)}
    wanted -= {"apps", "config", "web", *sys.stdlib_module_names}
    homes = importlib.metadata.packages_distributions()
    lacking = {
        name for name in wanted if not {re.sub(r"[-_.]+", "-", home).lower() for home in homes.get(name, [])} & names
    }
    assert "confluent_kafka" in wanted
    assert lacking == set()
