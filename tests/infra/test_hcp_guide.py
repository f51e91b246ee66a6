"""The HCP Terraform guide names existing workspaces, directories, variables, outputs and commands."""

import re
from pathlib import Path
from typing import Final

from tests.infra.terraform_files import FOLDERS, blocks, parsed

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = (ROOT / "docs/guides/hcp-terraform.md").read_text(encoding="utf-8")
ENVIRONMENTS: Final = sorted((ROOT / "terraform/environments").glob("*.tfvars"))
ROW: Final = re.compile(r"^\| `(anden-[a-z]+-[a-z]+)` \| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def named(text: str) -> set[str]:
    """The code spans of the text."""
    return set(re.findall(r"`([^`\n]+)`", text))


def test_each_environment_has_two_workspaces_of_its_name() -> None:
    stations = {parsed(path)["name"] for path in ENVIRONMENTS}
    assert {name for name, _, _ in ROW.findall(GUIDE)} == {
        f"{one}-{root}" for one in stations for root in ("aws", "cluster")
    }


def test_working_directories_and_trigger_paths_exist_and_match() -> None:
    for name, folder, paths in ROW.findall(GUIDE):
        triggers = named(paths)
        assert folder == f"terraform/{name.rpartition('-')[2]}"
        assert f"{folder}/**" in triggers
        assert [one for one in triggers if not list(ROOT.glob(one.replace("/**", "/*")))] == []
        if folder == "terraform/aws":
            assert f"terraform/environments/{name.split('-')[1]}.tfvars" in triggers


def test_trigger_paths_cover_everything_a_root_reads() -> None:
    """A change to any module that a root calls must queue a run of that root."""
    for name, folder, paths in ROW.findall(GUIDE):
        roots = tuple(one.removesuffix("**") for one in named(paths))
        sources = re.findall(r'source\s+= "(\.[^"]+)"', "".join(p.read_text() for p in (ROOT / folder).glob("*.tf")))
        read = [(ROOT / folder / source).resolve().relative_to(ROOT).as_posix() + "/" for source in sources]
        assert read, name
        assert [one for one in read if not one.startswith(roots)] == []


def test_workspace_variables_are_those_without_a_value_in_tfvars() -> None:
    section = GUIDE.partition("## 2. Variables")[2].partition("## 3.")[0]
    for root, given in (("aws", set(parsed(ENVIRONMENTS[0]))), ("cluster", set())):
        line = section.partition(f"On each `-{root}` workspace")[2].partition(".")[0]
        declared = dict(blocks(FOLDERS[root], "variable"))
        needed = {name for name, body in declared.items() if "default" not in body} - given
        assert needed <= named(line), root
        assert named(line) <= set(declared), root


def test_role_arns_come_from_declared_outputs() -> None:
    assert "terraform_role_arns" in dict(blocks(FOLDERS["aws"], "output"))
    for phase in ("PLAN", "APPLY"):
        assert f"| `TFC_AWS_{phase}_ROLE_ARN` | all | Output `terraform_role_arns`, `{phase.lower()}` |" in GUIDE


def test_commands_use_existing_directories_files_and_resources() -> None:
    code = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
    assert {one for one in re.findall(r"-chdir=(\S+)|cd (\S+)", code) if not (ROOT / "".join(one)).is_dir()} == set()
    files = set(re.findall(r"-var-file=(\.\S+)", code))
    assert files
    assert all((ROOT / "terraform/aws" / one).is_file() for one in files)
    workspaces = {name for name, _, _ in ROW.findall(GUIDE)}
    assert set(re.findall(r"TF_WORKSPACE=(\S+)", code)) <= workspaces
    source = (ROOT / "terraform/modules/identity/main.tf").read_text(encoding="utf-8")
    targets = re.findall(r"-target=module\.identity\.(\w+)\.(\w+)", code)
    assert targets
    assert all(f'resource "{kind}" "{name}"' in source for kind, name in targets)


def test_files_named_in_the_guide_exist() -> None:
    paths = {one for one in named(GUIDE) if re.fullmatch(r"(terraform|docs|dashboards)/[\w./-]+", one)}
    assert {one for one in paths if not (ROOT / one).exists()} == set()
    assert len(paths) > 4


def test_both_roots_take_their_workspace_from_the_environment() -> None:
    for root in ("aws", "cluster"):
        text = (ROOT / f"terraform/{root}/versions.tf").read_text(encoding="utf-8")
        assert re.search(r"^  cloud \{\}$", text, re.MULTILINE), root
