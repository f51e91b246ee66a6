"""The database guides match the chart's jobs, the commands' messages and the variables."""

import re
from pathlib import Path

import pytest

from apps.datasets.management.commands import migrate
from tests.infra.charts import anden

ROOT = Path(__file__).parents[3]
GUIDES = {
    name: (ROOT / f"docs/guides/{name}.md").read_text("utf-8") for name in ("upgrade", "restore", "rotate-secrets")
}
WAVE = "argocd.argoproj.io/sync-wave"


def test_the_jobs_of_an_upgrade_are_those_of_the_chart_in_their_waves() -> None:
    table = dict(re.findall(r"^\| (-?\d) \| `([a-z]+)` \|", GUIDES["upgrade"], re.MULTILINE))
    rendered = {
        (made["metadata"]["annotations"][WAVE], made["metadata"]["name"].removeprefix("anden-"))
        for made in anden("prod")
        if made["kind"] == "Job" and WAVE in made["metadata"].get("annotations", {})
    }
    assert len(table) == 4
    assert set(table.items()) <= rendered


def test_migrates_message_about_a_table_in_use_is_quoted_exactly() -> None:
    quoted = GUIDES["upgrade"].partition("```\n")[2].partition("\n```")[0]
    source = (Path(migrate.__file__)).read_text("utf-8")
    parts = re.findall(r'^ +"(a table of the migration.*)"\n +"(.*)"$', source, re.MULTILINE)
    assert ["".join(part) for part in parts] == [quoted]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_variable_that_is_named_exists(guide: str) -> None:
    known = set(re.findall(r"`(ANDEN_[A-Z_]+)`", (ROOT / "docs/settings.md").read_text("utf-8")))
    assert set(re.findall(r"\b(ANDEN_[A-Z_]+)\b", GUIDES[guide])) - known == set()


def test_every_secret_in_the_table_is_created_by_terraform() -> None:
    made = (ROOT / "terraform/modules/secrets/variables.tf").read_text("utf-8")
    named = re.findall(r"`NAME/((?!postgres)[a-z/-]+)`", GUIDES["rotate-secrets"])
    assert set(named) == {"django/secret-key", "grafana/token"}
    assert [name for name in named if f'"{name}"' not in made] == []


@pytest.mark.parametrize("name", re.findall(r"`(tests/[a-z_/.]+|terraform/[a-z/_.]+)`", " ".join(GUIDES.values())))
def test_every_path_that_is_named_exists(name: str) -> None:
    assert (ROOT / name).exists()
