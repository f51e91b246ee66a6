"""`manage.py probe` against a running server passes, and reports each fault on one line."""

import io
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.api.access.keys import new_key
from apps.api.clients.services import GrantRequest, client_create
from apps.api.models import Client, Grant
from apps.api.probe.http_client import ProbeHttpClient
from apps.datasets.selectors import dataset_get
from tests.acceptance.api.conftest import ROOT, served
from tests.station import Station

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]


def probe(*arguments: str) -> tuple[bool, list[str]]:
    """Whether the probe passed, and its output."""
    output = io.StringIO()
    try:
        call_command("probe", *arguments, stdout=output, no_color=True)
    except CommandError as error:
        return False, [*output.getvalue().splitlines(), str(error)]
    return True, output.getvalue().splitlines()


def failed(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line.startswith("FAILED"))


def test_the_probe_passes_and_detects_faults(station: Station, url: str, tmp_path: Path) -> None:
    station.apply(ROOT / "contracts" / "flights.yaml")
    key_file = tmp_path / "probe-key"
    arguments = ("--url", url, "--key-file", str(key_file))
    call_command("probe", "install", "--key-file", str(key_file), stdout=io.StringIO())
    assert key_file.stat().st_mode & 0o777 == 0o600

    passed, lines = probe(*arguments)
    assert passed, lines
    assert len(lines) == 9
    assert all(line.startswith("ok") and " ms  " in line for line in lines)

    passed, lines = probe("--url", url, "--key", "anden_0000000000000000_" + "0" * 64)
    assert (passed, "The key is wrong or revoked" in failed(lines)) == (False, True)

    with station.connect("writer") as connection:
        connection.execute("UPDATE data.probe SET number = 7")
        connection.commit()
    passed, lines = probe(*arguments)
    assert (passed, "unexpected value: number is 7 instead of" in failed(lines)) == (False, True)
    call_command("probe", "install", "--key-file", str(key_file), stdout=io.StringIO())
    assert probe(*arguments)[0]

    client = Client.objects.get(name="probe")
    Grant.objects.filter(client=client).update(may_write=True)
    passed, lines = probe(*arguments)
    assert (passed, "write refused" in failed(lines)) == (False, True)
    Grant.objects.filter(client=client).update(
        may_write=False, columns=["name", "message", "number", "moment", "hidden"]
    )
    passed, lines = probe(*arguments)
    assert (passed, "a filter on 'hidden' returned 200" in failed(lines)) == (False, True)
    Grant.objects.filter(client=client).update(columns=None)
    Grant.objects.create(client=client, dataset_id=dataset_get("flights").id)
    passed, lines = probe(*arguments)
    assert (passed, "the key can also access flights" in failed(lines)) == (False, True)


def test_the_probe_reports_a_stopped_database(station: Station, tmp_path: Path) -> None:
    dead = {
        name: value.replace(str(urlsplit(value).port), "1")
        for name, value in os.environ.items()
        if name.startswith("ANDEN_DATABASE_") and name.endswith("_URL")
    }
    with served(dead, tmp_path / "gunicorn.log") as url:
        passed, lines = probe("--url", url, "--key", "anything", "--timeout", "30")
        asked = ProbeHttpClient(url, timeout_s=30)("GET", "/api/v1/datasets", key=str(new_key()))
    assert (passed, len(lines)) == (False, 3)
    assert (asked.status, asked.json()["type"]) == (503, "/api/problems#database-unavailable")
    assert lines[0].startswith("ok")
    assert "not ready" in failed(lines)


def test_the_probe_reports_an_unreachable_instance_and_missing_options() -> None:
    passed, lines = probe("--url", "http://127.0.0.1:1", "--key", "anything")
    assert (passed, "no response from 127.0.0.1:1: Connection refused" in failed(lines)) == (False, True)
    with pytest.raises(CommandError, match=r"--url ftp://x: use http://host:port"):
        call_command("probe", "--url", "ftp://x", "--key", "anything")
    with pytest.raises(CommandError, match="pass --key KEY or --key-file PATH"):
        call_command("probe")


def test_a_new_key_revokes_older_ones(station: Station, url: str) -> None:
    output = io.StringIO()
    call_command("probe", "install", stdout=output)
    first = output.getvalue().split()[-1]
    assert probe("--url", url, "--key", first)[0]
    call_command("probe", "install", stdout=io.StringIO())
    assert not probe("--url", url, "--key", first)[0]


def test_an_existing_client_named_probe_loses_other_grants(station: Station, url: str) -> None:
    station.apply(ROOT / "contracts" / "flights.yaml")
    client_create("probe", [GrantRequest("flights")])
    output = io.StringIO()
    call_command("probe", "install", stdout=output)
    assert probe("--url", url, "--key", output.getvalue().split()[-1])[0]


def test_without_the_owner_role_the_row_is_written_to_the_existing_dataset(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("probe", "install", stdout=io.StringIO())
    with station.connect("writer") as connection:
        connection.execute("UPDATE data.probe SET number = 7")
        connection.commit()
    output = io.StringIO()
    with monkeypatch.context() as patch:
        patch.delitem(settings.DATABASES, "owner")
        call_command("probe", "install", stdout=output)
    assert "Wrote the probe's row." in output.getvalue()


def test_without_owner_role_and_dataset_the_error_names_the_next_step(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delitem(settings.DATABASES, "owner")
        with pytest.raises(CommandError, match="no dataset 'probe': apply its contract"):
            call_command("probe", "install", stdout=io.StringIO())
