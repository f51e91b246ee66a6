"""The probe's zip against a running instance, run as on Lambda."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from packing.probe import PATH
from tests.functions import Function, FunctionFailed, asked, stand_in_sdk, warm
from tests.station import Station

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]

SCHEDULE = {"source": "aws.events", "detail-type": "Scheduled Event"}


def install(secret: Path) -> str:
    """Write a new key to the secret. The previous one is revoked."""
    output = io.StringIO()
    call_command("probe", "install", stdout=output)
    key = output.getvalue().split()[-1]
    secret.write_text(f"{key}\n", encoding="utf-8")
    return key


@pytest.fixture
def function(station: Station, url: str, tmp_path: Path) -> Iterator[Function]:
    install(tmp_path / "key")
    environment = {"ANDEN_PROBE_URL": url, "ANDEN_PROBE_KEY_SECRET": "key", "SECRETS": str(tmp_path)}
    sdk = stand_in_sdk(tmp_path / "sdk")
    with warm("functions.probe.handler", PATH, sdk, environment=environment, log=tmp_path / "log") as one:
        yield one


def test_a_run_passes_accepts_a_new_key_and_detects_faults(
    function: Function, station: Station, tmp_path: Path
) -> None:
    assert function.invoke(SCHEDULE) == {"checks": 7}
    key = install(tmp_path / "key")
    assert function.invoke(SCHEDULE) == {"checks": 7}
    assert function.invoke(asked("/station"))["statusCode"] == 200
    with station.connect("writer") as connection:
        connection.execute("UPDATE data.probe SET number = 7")
        connection.commit()
    with pytest.raises(FunctionFailed, match="ProbeFailed: 2 of 7 checks failed: row, row by id"):
        function.invoke(SCHEDULE)
    response = function.invoke(asked("/station"))
    checks = json.loads(response["body"])["checks"]
    assert (response["statusCode"], [name for name, passed in checks.items() if not passed]) == (
        503,
        ["row", "row by id"],
    )
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "unexpected value: number is 7" in log
    assert key not in log + json.dumps(response)
