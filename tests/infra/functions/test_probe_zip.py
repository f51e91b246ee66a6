"""The probe's zip is committed, reproducible and complete."""

import base64
import hashlib
import io
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from packing.api import LAMBDA
from packing.probe import MODULES, PATH, ROOT, probe_zip
from tests.functions import FunctionFailed, asked, stand_in_sdk, warm
from tests.infra.plans import ENVIRONMENTS, Planner

HANDLER = "functions.probe.handler"


@pytest.mark.property(14)
def test_the_committed_zip_matches_the_repository(evidence: Callable[[str], None]) -> None:
    assert PATH.read_bytes() == probe_zip(), "run make render"
    evidence(f"the probe's zip is committed: {len(probe_zip()):,} bytes, identical when rebuilt")


def test_the_zip_does_not_depend_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
        (tmp_path / name).chmod(0o600)
        os.utime(tmp_path / name, (1, 1))
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    time.tzset()
    monkeypatch.chdir(tmp_path)
    former = os.umask(0o077)
    try:
        assert probe_zip(tmp_path) == PATH.read_bytes()
    finally:
        os.umask(former)
        monkeypatch.undo()
        time.tzset()
    (tmp_path / MODULES[0]).write_text("# another\n", encoding="utf-8")
    assert probe_zip(tmp_path) != PATH.read_bytes()


def test_entries_are_uncompressed_and_world_readable() -> None:
    with zipfile.ZipFile(io.BytesIO(probe_zip())) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(name.removeprefix("platform/") for name in MODULES)
    # zlib versions compress differently, so nothing is compressed.
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_the_zip_needs_only_the_standard_library_and_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("anden_key\n", encoding="utf-8")
    environment = {
        "ANDEN_PROBE_URL": "http://127.0.0.1:1",
        "ANDEN_PROBE_KEY_SECRET": "key",
        "SECRETS": str(tmp_path),
    }
    log = tmp_path / "log"
    with warm(HANDLER, PATH, stand_in_sdk(tmp_path / "sdk"), environment=environment, log=log) as function:
        answer = function.invoke(asked("/station"))
        assert (answer["statusCode"], json.loads(answer["body"])["checks"]) == (503, {"no key": False})
        with pytest.raises(FunctionFailed, match="ProbeFailed: 1 of 1 checks failed: no key"):
            function.invoke({"source": "aws.events", "detail-type": "Scheduled Event"})
    with (
        warm(HANDLER, PATH, environment=environment, log=log) as function,
        pytest.raises(AssertionError, match="has ended"),
    ):
        function.invoke(asked("/station"))
    assert "No module named 'boto3'" in log.read_text(encoding="utf-8")


@pytest.mark.property(14)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_terraform_deploys_the_committed_zip(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    function = planned(environment).only("aws_lambda_function")
    digest = base64.b64encode(hashlib.sha256(PATH.read_bytes()).digest()).decode()
    assert (function["source_code_hash"], function["handler"]) == (digest, HANDLER)
    assert (function["runtime"], function["architectures"]) == (f"python{LAMBDA.python}", ["arm64"])
    evidence(f"{environment}: Terraform deploys the committed zip")
