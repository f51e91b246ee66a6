"""Moving models between apps keeps an installation's tables, rows, permissions and schedules."""

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from django.apps import apps

from config.celery import app as celery
from embedded.errors import NetworkNeeded, NotInstalled
from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres, _ground
from tests.integration.upgrade.filling import fill
from tests.integration.upgrade.installation import Installation, Rows, load
from tests.integration.upgrade.make_release import RELEASES
from tests.requirement import skip_or_fail

BEFORE = "c709be2"
"""The last commit before models moved; its fixture is like a release's."""
MOVED = "0007_fleet_left"
"""The last migration of monitoring that releases models."""
RELABELLED = {
    "cloudwatchmonth": "cloudwatch",
    **dict.fromkeys(("fleetdetail", "fleetevaluation", "fleetservice"), "fleet"),
    **dict.fromkeys(("incident", "incidentnote", "incidentsuspicion"), "fleet"),
}
PERMISSIONS = """
    SELECT coalesce(g.name, u.username), p.id, p.codename FROM auth_permission p
    LEFT JOIN auth_group_permissions gp ON gp.permission_id = p.id LEFT JOIN auth_group g ON g.id = gp.group_id
    LEFT JOIN auth_user_user_permissions up ON up.permission_id = p.id LEFT JOIN auth_user u ON u.id = up.user_id
    WHERE g.id IS NOT NULL OR u.id IS NOT NULL ORDER BY 1, 2
"""
LOG = """
    SELECT l.object_repr, c.id, c.model FROM django_admin_log l JOIN django_content_type c ON c.id = content_type_id
    ORDER BY 2
"""


class Snapshot(NamedTuple):
    """The content of an installation at one time."""

    schema: str
    rows: Rows
    permissions: list[Any]
    log: list[Any]


def snapshot(installation: Installation, *, as_of: Rows | None = None) -> Snapshot:
    programs = _ground(installation.postgres.folder / "data").programs
    dumped = subprocess.run(
        [programs / "pg_dump", "--schema-only", installation.url], capture_output=True, text=True, check=True
    ).stdout
    schema = [line for line in dumped.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
    return Snapshot(
        "\n".join(schema), installation.rows(as_of=as_of), installation.ask(PERMISSIONS), installation.ask(LOG)
    )


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """The installation, on a PostgreSQL of its own."""
    with TemporaryDirectory(prefix="anden-moved-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        try:
            with EmbeddedPostgres(folder / "postgres", quick=True) as postgres:
                no_kafka = cast("EmbeddedKafka", SimpleNamespace(bootstrap="127.0.0.1:9"))
                metadata = json.loads((RELEASES / f"{BEFORE}.json").read_text())
                installation = Installation(postgres, no_kafka, folder, metadata)
                installation.run("bootstrap")
                load(installation, gzip.decompress((RELEASES / f"{BEFORE}.sql.gz").read_bytes()))
                fill(installation)
                yield installation
        except (NotInstalled, NetworkNeeded) as exc:
            skip_or_fail(str(exc))


@pytest.fixture(scope="module")
def snapshots(installation: Installation) -> tuple[Snapshot, Snapshot]:
    """Before and after the models move, without the effects of later migrations."""
    before = snapshot(installation)
    installation.run("manage", "migrate", "monitoring", MOVED, "--no-input")
    after = snapshot(installation, as_of=before.rows)
    installation.run("migrate", "--no-input")
    return before, after


def test_every_table_has_a_row_before_the_move(snapshots: tuple[Snapshot, Snapshot]) -> None:
    before, _ = snapshots
    assert [name for name, (_, rows) in before.rows.items() if not rows] == []
    assert len(before.rows) > 30


def test_the_schema_does_not_change(snapshots: tuple[Snapshot, Snapshot]) -> None:
    before, after = snapshots
    assert after.schema == before.schema


def test_every_row_stays_and_only_content_types_change_their_app(
    installation: Installation, snapshots: tuple[Snapshot, Snapshot]
) -> None:
    before, after = snapshots
    lost = {name: rows - after.rows[name][1] for name, (_, rows) in before.rows.items() if rows - after.rows[name][1]}
    assert lost.keys() == {"public.django_content_type"}
    assert len(list(lost["public.django_content_type"].elements())) == len(RELABELLED)
    found = dict(installation.ask("SELECT model, app_label FROM django_content_type"))
    assert {model: found[model] for model in RELABELLED} == RELABELLED
    doubled = "SELECT model FROM django_content_type GROUP BY model HAVING count(DISTINCT app_label) > 1"
    assert installation.ask(doubled) == []


def test_users_and_groups_keep_their_permissions_and_the_log_its_objects(snapshots: tuple[Snapshot, Snapshot]) -> None:
    before, after = snapshots
    assert {who for who, _, _ in before.permissions} >= {"viewer", "steward", "night shift"}
    assert after.permissions == before.permissions
    assert {model for _, _, model in before.log} == {"incident", "quarantine"}
    assert after.log == before.log


def test_each_stored_schedule_names_an_existing_task(
    installation: Installation, snapshots: tuple[Snapshot, Snapshot]
) -> None:
    celery.autodiscover_tasks(force=True)
    stored = {name for (name,) in installation.ask("SELECT task FROM django_celery_beat_periodictask")}
    assert "monitoring.purge_fleet" in stored
    assert stored - celery.tasks.keys() == set()


def test_each_model_finds_its_table(installation: Installation, snapshots: tuple[Snapshot, Snapshot]) -> None:
    tables = {name for (name,) in installation.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    wanted = {model._meta.db_table for model in apps.get_models() if model._meta.managed}
    assert wanted <= tables
    assert "No migrations to apply" in installation.run("migrate", "--no-input")
