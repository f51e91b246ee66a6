"""What charts/anden's postgres_exporter tells, and with which rights it asks."""

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
def test_it_collects_what_panels_ask_for(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    (told,) = (each for each in EXPORTERS if each.startswith("postgres_exporter "))
    wanted = set(re.findall(r"--\S+", told))
    assert wanted
    assert wanted <= set(exporter(rendered)["args"])
    evidence(f"postgres_exporter runs with {', '.join(sorted(wanted))}, for {len(EXPORTERS[told])} metrics of panels")


@pytest.mark.property(11)
def test_it_knows_one_role_and_that_one_reads_no_row(rendered: list[Manifest]) -> None:
    told = {each["name"]: each for each in exporter(rendered)["env"]}
    secrets = {each["valueFrom"]["secretKeyRef"]["name"] for each in told.values() if "valueFrom" in each}
    assert secrets == {"anden-postgres-monitor"}
    assert told["DATA_SOURCE_NAME"]["value"] == "$(ANDEN_DATABASE_MONITOR_URL)"
    names = list(told)
    assert names.index("ANDEN_DATABASE_MONITOR_URL") < names.index("DATA_SOURCE_NAME"), (
        "the kubelet reads on, not back"
    )
    # `roles ensure` makes the role, in the only other container that is told of it.
    also = {name for name, each in containers(rendered) if "ANDEN_DATABASE_MONITOR_URL" in str(each["env"])}
    assert also == {f"Deployment/{NAME}/postgres-exporter", "Job/anden-bootstrap/bootstrap"}


def test_its_answer_says_nothing_of_andens_processes(rendered: list[Manifest]) -> None:
    """Prometheus calls a job as its Service is called, and alerts on the absence of what matches ANDEN_JOBS."""
    selector = of(rendered, "ServiceMonitor")[NAME]["spec"]["selector"]["matchLabels"]
    jobs = [
        name
        for name, each in of(rendered, "Service").items()
        if selector.items() <= each["metadata"]["labels"].items()
    ]
    assert jobs == ["postgres-exporter"]
    assert not re.fullmatch(ANDEN_JOBS.value, jobs[0])
    assert of(rendered, "Deployment")[NAME]["spec"]["replicas"] == 1
