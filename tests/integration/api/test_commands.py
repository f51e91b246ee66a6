"""The commands clients and render."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.api.models import Client, Grant, Key
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.integration.api.conftest import Visit
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def clients(*arguments: str) -> str:
    output = io.StringIO()
    call_command("clients", *arguments, stdout=output)
    return output.getvalue()


def test_a_client_is_created_listed_and_revoked(
    flights: AppliedDataset, persons: AppliedDataset, visit: Visit
) -> None:
    output = clients(
        *("create", "museum", "--grant", "flights:read", "--columns", "carrier,flight"),
        *("--grant", "persons:read,write"),
    )
    key = output.split()[-1]
    assert output.count("anden_") == 1
    stored = Key.objects.get()
    assert key.startswith(f"anden_{stored.public_id}_")
    assert key.rpartition("_")[2] not in f"{stored.secret_sha256}{stored}"
    assert list(Grant.objects.order_by("dataset__name").values_list("may_read", "may_write", "columns")) == [
        (True, False, ["carrier", "flight"]),
        (True, True, None),
    ]
    http = visit(key)
    assert http.get("/api/v1/datasets/flights/records?limit=1").json()["records"][0].keys() == {
        "_id",
        "carrier",
        "flight",
    }
    listed = clients("list")
    for word in ("museum", "active", "last used", "flights:read [carrier,flight]", "persons:read,write"):
        assert word in listed
    assert "museum" in clients("revoke", "museum")
    assert "revoked" in clients("list")
    assert http.get("/api/v1/datasets").status_code == 401


def test_a_key_file_is_private_and_never_overwritten(flights: AppliedDataset, tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert "anden_" not in clients("create", "a", "--grant", "flights:read", "--key-file", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    with pytest.raises(CommandError, match="already exists"):
        clients("create", "b", "--grant", "flights:read", "--key-file", str(path))
    assert path.read_text() == before
    with pytest.raises(CommandError, match="cannot write"):
        clients("create", "c", "--grant", "flights:read", "--key-file", str(tmp_path / "no" / "key"))
    assert [client.name for client in Client.objects.all()] == ["a"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "x", "--grant", "nothing:read"], "dataset 'nothing' does not exist"),
        (["create", "x", "--grant", "flights"], "is not DATASET:read"),
        (["create", "x", "--grant", "flights:own"], "is not DATASET:read"),
        (["create", "x", "--grant", "flights:read", "--columns", "carrier,gate"], "no column 'gate'"),
        (
            ["create", "x", "--columns", "carrier", "--grant", "flights:read"],
            "--columns restricts the --grant before it",
        ),
        (["create", "x", "--grant", "flights:write"], "does not accept writes over HTTP"),
        (
            ["create", "x", "--grant", "persons:write", "--columns", "person_id"],
            "persons require 'given_name', 'family_name'",
        ),
        (["create", "x", "--grant", "flights:read", "--grant", "flights:read"], "granted twice"),
        (["create", " ", "--grant", "flights:read"], "1 to 100 printable characters"),
        (["create", "taken", "--grant", "flights:read"], "client 'taken' already exists (active)"),
        (["revoke", "unknown"], "client 'unknown' does not exist"),
    ],
)
def test_invalid_arguments_are_rejected_on_one_line(
    flights: AppliedDataset, persons: AppliedDataset, arguments: list[str], message: str
) -> None:
    clients("create", "taken", "--grant", "flights:read")
    with pytest.raises(CommandError) as refused:
        clients(*arguments)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert Client.objects.count() == 1


def test_revoking_twice_is_reported(flights: AppliedDataset) -> None:
    clients("create", "a", "--grant", "flights:read")
    clients("revoke", "a")
    with pytest.raises(CommandError, match=r"'a' was already revoked on"):
        clients("revoke", "a")
    with pytest.raises(CommandError, match=r"client 'a' already exists \(revoked\)"):
        clients("create", "a", "--grant", "flights:read")


def test_an_empty_list_shows_how_to_create_a_client(station: Station) -> None:
    assert "clients create NAME --grant" in clients("list")


def test_the_rendered_documents_are_up_to_date() -> None:
    call_command("render", "--check")


def test_an_outdated_document_is_named_and_rewritten(settings: Any, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match=r"not up to date: docs/openapi.yaml, docs/settings.md. Run make render"):
        call_command("render", "--check")
    output = io.StringIO()
    call_command("render", stdout=output)
    assert output.getvalue().splitlines() == ["wrote docs/openapi.yaml", "wrote docs/settings.md"]
    call_command("render", "--check")
