"""charts/anden's postgres_exporter: what it collects and with which role."""

import re
from collections.abc import Callable

import pytest

from apps.monitoring.alerts.infrastructure import ANDEN_JOBS
from apps.monitoring.third_party_metrics import EXPORTERS
from tests.infra.chart.test_joins import of
from tests.infra.chart.test_pods import Pod, containers
from tests.infra.charts import Manifest

NAME = "anden-postgres-exporter"


def exporter(rendered: list[Manifest]) -> Pod:
    """The exporter's container."""
    (found,) = (each for name, each in containers(rendered) if name.startswith(f"Deployment/{NAME}/"))
    return found


@pytest.mark.property(15)
def test_the_exporter_collects_what_panels_query(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    (flags,) = (each for each in EXPORTERS if each.startswith("postgres_exporter "))
    wanted = set(re.findall(r"--\S+", flags))
    assert wanted
    assert wanted <= set(exporter(rendered)["args"])
    evidence(
        f"postgres_exporter runs with {', '.join(sorted(wanted))}, for {len(EXPORTERS[flags])} metrics on dashboards"
    )


@pytest.mark.property(11)
def test_the_exporter_uses_one_role_that_reads_no_rows(rendered: list[Manifest]) -> None:
    environment = {each["name"]: each for each in exporter(rendered)["env"]}
    secrets = {each["valueFrom"]["secretKeyRef"]["name"] for each in environment.values() if "valueFrom" in each}
    assert secrets == {"anden-postgres-monitor"}
    assert environment["DATA_SOURCE_NAME"]["value"] == "$(ANDEN_DATABASE_MONITOR_URL)"
    names = list(environment)
    assert names.index("ANDEN_DATABASE_MONITOR_URL") < names.index("DATA_SOURCE_NAME"), (
        "the kubelet expands only variables defined before"
    )
    # `roles ensure` creates the role, in the only other container that has its URL.
    also = {name for name, each in containers(rendered) if "ANDEN_DATABASE_MONITOR_URL" in str(each["env"])}
    assert also == {f"Deployment/{NAME}/postgres-exporter", "Job/anden-bootstrap/bootstrap"}


def test_the_exporters_job_name_does_not_match_andens_processes(rendered: list[Manifest]) -> None:
    """Prometheus names a job after its Service, and alerts if no job matches ANDEN_JOBS."""
    selector = of(rendered, "ServiceMonitor")[NAME]["spec"]["selector"]["matchLabels"]
    jobs = [
        name
        for name, each in of(rendered, "Service").items()
        if selector.items() <= each["metadata"]["labels"].items()
    ]
    assert jobs == ["postgres-exporter"]
    assert not re.fullmatch(ANDEN_JOBS.value, jobs[0])
    assert of(rendered, "Deployment")[NAME]["spec"]["replicas"] == 1
