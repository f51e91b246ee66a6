"""The fake Grafana, started from a shell to try the commands without a Grafana."""

import os
import re
import subprocess
import sys
from pathlib import Path

from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.connection import grafana_connect
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.sync.objects import Manifest

ROOT = Path(__file__).parents[2]
STARTED = [sys.executable, "-m", "tests.fakes.grafana"]


def test_the_fake_prints_its_variables_serves_and_stops_on_sigterm() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("ANDEN_", "DJANGO_"))}
    with subprocess.Popen(STARTED, cwd=ROOT, env=bare, stdout=subprocess.PIPE, text=True) as fake:
        try:
            assert fake.stdout is not None
            exported = re.fullmatch(
                r"export ANDEN_GRAFANA_URL=(\S+) ANDEN_GRAFANA_TOKEN=(\S+)\n", fake.stdout.readline()
            )
            assert exported
            grafana = grafana_connect(
                GrafanaApiClient(exported[1], exported[2], retry=RequestRetryPolicy(10, 1, 0.01), ca=None)
            )
            grafana.check_rights(write=True)
            assert not any(listed.owned for listed in grafana.read(Manifest(())).listed)
            port = exported[1].rsplit(":", 1)[1]
            second = subprocess.run(
                [*STARTED, "--port", port], cwd=ROOT, env=bare, capture_output=True, text=True, check=False, timeout=60
            )
            assert second.returncode == 1
            assert second.stderr == f"port {port} cannot be used (Address already in use): name another with --port\n"
        finally:
            fake.terminate()
        assert fake.wait(timeout=30) == 0
