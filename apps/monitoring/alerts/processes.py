"""The processes of an installation, and an alert per process for when it is down.

The series of a vanished target vanish with it, so `up == 0` misses it. These rules ask for each process by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.third_party_metrics import DEPLOYMENT_AVAILABLE, DEPLOYMENT_REPLICAS, UP
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, series

ALL_IN_ONE_JOB: Final = "anden"
"""The job of an installation with one target for all metrics: `make run`, compose. Its targets have no role."""
WEB: Final = "web"
_ROLE: Final = "role"


@dataclass(frozen=True, slots=True)
class ProcessRole:
    """A Deployment `anden-<name>` of the chart; the ServiceMonitors label its targets with `role`.

    `job` is the job of its targets. An `optional` process may be off, so its absence alone is not an error.
    """

    name: str
    job: str
    impact: str
    optional: bool = False

    @property
    def deployment(self) -> str:
        """The name of its Deployment."""
        return f"anden-{self.name}"


PROCESS_ROLES: Final = (
    ProcessRole(WEB, "anden-web", "The API does not respond."),
    ProcessRole("ingest", "anden-metrics", "No record becomes a row; every dataset gets stale."),
    ProcessRole(
        "worker", "anden-metrics", "No task or job runs: no partitions are created, no expired data is deleted."
    ),
    ProcessRole("beat", "anden-metrics", "Nothing schedules periodic tasks, so none run."),
    ProcessRole("lag", "anden-metrics", "Consumer lag is not measured."),
    ProcessRole("probe", "anden-metrics", "Nothing checks the API from outside.", optional=True),
    ProcessRole("fleet", "anden-metrics", "Outliers among the services go undetected.", optional=True),
    ProcessRole("cloudwatch", "anden-metrics", "The state of AWS resources is unknown.", optional=True),
    ProcessRole("postgres-exporter", "postgres-exporter", "PostgreSQL's own metrics are missing."),
)

_WITH_ROLES: Final = series(UP, LabelMatcher("job", f"{ALL_IN_ONE_JOB}.*", "=~"), LabelMatcher(_ROLE, "", "!="))
"""Targets of an installation where each process is a separate target."""


def process_alerts() -> Iterator[Alert]:
    """One rule per process."""
    for role in PROCESS_ROLES:
        yield _web_down(role) if role.name == WEB else _process_down(role)


def _web_down(role: ProcessRole) -> Alert:
    targets = series(UP, LabelMatcher("job", f"{ALL_IN_ONE_JOB}|{role.job}", "=~"))
    return Alert(
        "WebDown",
        compose("{} or {}", _down(targets), _unavailable(role)),
        for_="3m",
        severity="page",
        summary="No web process is up: the API is down",
        description="For three minutes Prometheus reached no web process, they kept restarting, or Kubernetes had no "
        "ready pod.",
        dashboard="overview",
    )


def _process_down(role: ProcessRole) -> Alert:
    return Alert(
        "ProcessDown",
        _unavailable(role) if role.optional else _process_missing(role),
        for_="10m",
        severity="ticket",
        summary=f"The process {role.name} is down",
        description=f"For ten minutes it did not answer, was not ready, or kept restarting. {role.impact}",
        dashboard="overview",
        labels=((_ROLE, role.name),),
    )


def _process_missing(role: ProcessRole) -> PromqlQuery:
    targets = series(UP, LabelMatcher("job", role.job), LabelMatcher(_ROLE, role.name))
    return compose("({}) and on () count({}) or {}", _down(targets), _WITH_ROLES, _unavailable(role))


def _down(targets: PromqlQuery) -> PromqlQuery:
    """1 while no target is up; the number of changes while they flap, more than four within 15 minutes."""
    return compose("absent({} == 1) or changes((max({}) or vector(0))[15m:30s]) > 4", targets, targets)


def _unavailable(role: ProcessRole) -> PromqlQuery:
    """1 while the Deployment wants pods and has none ready, or had none for most of 15 minutes.

    A container that crashes in a loop is ready for moments in between, and the exporter in its pod stays up.
    """
    deployment = LabelMatcher("deployment", role.deployment)
    available, wanted = series(DEPLOYMENT_AVAILABLE, deployment), series(DEPLOYMENT_REPLICAS, deployment)
    is_wanted = compose("and on (namespace, deployment) {} > 0", wanted)
    return compose(
        "count(({} == 0 or avg_over_time((({} > bool 0) {})[15m:30s]) < 0.5) {})",
        available,
        available,
        is_wanted,
        is_wanted,
    )
