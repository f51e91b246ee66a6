"""What analysts see follows the contract, the release and the setting: through apply, and through migrate alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.api.clients.services import GrantRequest, client_create
from apps.datasets.adapters.database import owner_transaction
from apps.datasets.models import ContractVersion
from apps.datasets.services import dataset_apply
from tests.documents import document, prop
from tests.gateway import Http
from tests.station import Station

ROOT = Path(__file__).parents[3]
ID = prop("id", "integer")


def people(name: str = "people", **leaf: Any) -> dict[str, Any]:
    """A dataset with an object that has a classified leaf."""
    return document(name, [ID, prop("who", "object", properties=[prop("name"), prop("mail", **leaf)])])


def seen(station: Station, name: str = "people") -> list[str]:
    """The columns that analysts can read."""
    with station.connect("analyst") as analyst:
        cursor = analyst.execute(f'SELECT * FROM analyst."{name}"'.encode())
        return [column.name for column in cursor.description or ()]


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def elsewhere(*words: str, **env: str) -> str:
    """The output of another process with other settings."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def widen(station: Station, name: str = "people") -> None:
    """Recreate the view of a release that did not hide the column."""
    with station.connect("owner") as connection:
        connection.execute(f'CREATE OR REPLACE VIEW analyst."{name}" AS SELECT id, who FROM data."{name}"'.encode())


@pytest.fixture
def client(station: Station) -> Callable[[], Client]:
    def made() -> Client:
        _, key = client_create("plain", [GrantRequest("people")])
        return Http(headers={"Authorization": f"Bearer {key}"})

    return made


def fields(http: Client) -> list[str]:
    return [field["name"] for field in http.get("/api/v1/datasets/people").json()["fields"]]


def test_changing_a_leafs_classification_hides_and_shows_its_column_in_place(
    station: Station, client: Callable[[], Client], tmp_path: Path
) -> None:
    station.apply(people())
    http = client()
    assert (fields(http), seen(station)) == (["id", "who"], ["id", "who"])
    file = tmp_path / "people.json"
    for leaf, columns, line in (
        ({"classification": "secret"}, ["id"], "now hidden: who (who.mail: classification 'secret')"),
        ({"classification": "internal"}, ["id"], "  hidden: who (who.mail: classification 'internal')"),
        ({"classification": "Public"}, ["id", "who"], "no longer hidden: who"),
        ({"tags": ["pii"]}, ["id"], "now hidden: who (who.mail: tag 'pii')"),
    ):
        file.write_text(json.dumps(people(**leaf)))
        assert line in run("datasets", "apply", str(file))
        assert (fields(http), seen(station)) == (columns, columns)


def test_migrate_hides_what_an_older_release_showed_and_then_keeps_the_view(station: Station) -> None:
    station.apply(people(classification="internal"))
    station.apply(document("plain", [ID]))
    widen(station)
    assert seen(station) == ["id", "who"]
    assert "analysts can still read who: run `manage.py migrate`" in run("datasets", "show", "people")
    output = run("migrate")
    assert "View analyst.people shows id\n" in output
    assert "analyst.plain" not in output
    assert seen(station) == ["id"]
    assert "analysts can still read" not in run("datasets", "show", "people")
    assert "View" not in run("migrate")


def test_an_unchanged_apply_recreates_a_view_that_shows_too_much(station: Station) -> None:
    station.apply(people(classification="internal"))
    widen(station)
    again = dataset_apply(people(classification="internal"), dry_run=True)
    assert (again.changed, len(again.statements)) == (False, 3)
    assert seen(station) == ["id", "who"]
    assert not dataset_apply(people(classification="internal")).changed
    assert seen(station) == ["id"]


def test_a_partial_migrate_keeps_the_views(station: Station) -> None:
    station.apply(people(classification="internal"))
    widen(station)
    run("migrate", "datasets")
    assert seen(station) == ["id", "who"]


def test_migrate_applies_a_changed_setting(station: Station) -> None:
    station.apply(people(classification="Internal"))
    lax = {"ANDEN_DATASETS_PUBLIC_CLASSIFICATIONS": "public,internal"}
    assert "View analyst.people shows id, who" in elsewhere("migrate", **lax)
    assert seen(station) == ["id", "who"]
    assert "analysts can still read who" in run("datasets", "show", "people")
    assert "hidden" not in elsewhere("datasets", "show", "people", **lax)
    assert "View analyst.people shows id" in elsewhere("migrate")
    assert seen(station) == ["id"]


def refused(station: Station, name: str = "people") -> bool:
    try:
        seen(station, name)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_a_view_in_use_is_revoked_and_recreated_by_the_next_migrate(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_transaction, "LOCK_TIMEOUT", "100ms")
    station.apply(people(classification="x"))
    station.apply(people("others", classification="x"))
    widen(station)
    widen(station, "others")
    with station.connect("analyst") as reading:
        reading.execute("SELECT * FROM analyst.people")
        with pytest.raises(CommandError, match=r"until `manage\.py migrate` runs again: people"):
            run("migrate")
        assert refused(station)
        assert seen(station, "others") == ["id"]
    assert "View analyst.people shows id\n" in run("migrate")
    assert seen(station) == ["id"]


def test_a_view_that_another_view_depends_on_is_revoked(station: Station) -> None:
    station.apply(people(classification="x"))
    widen(station)
    with station.admin() as admin:
        admin.execute("CREATE VIEW public.copied AS SELECT * FROM analyst.people")
        try:
            assert "View analyst.people revoked from analysts: cannot drop view analyst.people" in run("migrate")
            assert refused(station)
            assert "analysts cannot read its view: run `manage.py migrate`" in run("datasets", "show", "people")
        finally:
            admin.execute("DROP VIEW public.copied")
    run("migrate")
    assert seen(station) == ["id"]


def test_the_view_of_an_unreadable_contract_is_revoked_and_blocks_no_release(station: Station) -> None:
    dataset_apply(people())
    ContractVersion.objects.update(document=json.dumps(document("people", [prop("id", "integer", "money")])))
    dataset_apply(people("others", classification="x"))
    widen(station, "others")
    output = run("migrate")
    assert "View analyst.people revoked from analysts: " in output
    assert "View analyst.others shows id\n" in output
    assert refused(station)
    assert seen(station, "others") == ["id"]


def test_apply_and_show_list_what_is_kept_but_not_enforced(station: Station, tmp_path: Path) -> None:
    contract = people(required=True)
    contract["slaProperties"] = [{"property": "retention", "value": 1, "unit": "d"}]
    file = tmp_path / "people.json"
    file.write_text(json.dumps(contract))
    for output in (
        run("datasets", "apply", str(file), "--dry-run"),
        run("datasets", "apply", str(file)),
        run("datasets", "show", "people"),
    ):
        assert "kept, not enforced yet: retention: no row is deleted because of its age" in output
        assert "kept, not enforced yet: who, nested logicalType, required: not checked" in output
