"""Processes that a station runs, and the alerts that tell when one of them is gone: a rule for each.

A target that vanishes takes its series with it, so no rule on `up == 0` sees it: what must exist is asked for by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.third_party_metrics import DEPLOYMENT_AVAILABLE, DEPLOYMENT_REPLICAS, UP
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, series

ALL_IN_ONE_JOB: Final = "anden"
"""The job of a station whose web process tells everything: `make run`, compose. No target of it has a role."""
WEB: Final = "web"
_ROLE: Final = "role"


@dataclass(frozen=True, slots=True)
class ProcessRole:
    """A Deployment `anden-<name>` of the chart; the ServiceMonitors put its name on its targets as the label `role`.

    `job` is that of its targets. `chosen`: the station may do without it, so that its absence alone says nothing.
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
    ProcessRole(WEB, "anden-web", "Third parties get no answer."),
    ProcessRole("ingest", "anden-metrics", "No record of any topic becomes a row; every dataset grows old."),
    ProcessRole(
        "worker", "anden-metrics", "No job runs: no partitions are made, nothing is cleaned, no export is sent."
    ),
    ProcessRole("beat", "anden-metrics", "No job is asked for, and so none runs."),
    ProcessRole("lag", "anden-metrics", "Nobody measures how far ingest is behind."),
    ProcessRole("probe", "anden-metrics", "Nobody looks at the station from the outside.", optional=True),
    ProcessRole("fleet", "anden-metrics", "Nobody looks for outliers among the services.", optional=True),
    ProcessRole("cloudwatch", "anden-metrics", "What AWS runs is not seen.", optional=True),
    ProcessRole("postgres-exporter", "postgres-exporter", "What PostgreSQL says of itself is not known."),
)

_WITH_ROLES: Final = series(UP, LabelMatcher("job", f"{ALL_IN_ONE_JOB}.*", "=~"), LabelMatcher(_ROLE, "", "!="))
"""Targets of a station where each process is a target of its own."""


def process_alerts() -> Iterator[Alert]:
    """One rule for each role."""
    for role in PROCESS_ROLES:
        yield _web_gone(role) if role.name == WEB else _process_gone(role)


def _web_gone(role: ProcessRole) -> Alert:
    targets = series(UP, LabelMatcher("job", f"{ALL_IN_ONE_JOB}|{role.job}", "=~"))
    return Alert(
        "WebDown",
        compose("{} or {}", _gone(targets), _unavailable(role)),
        for_="3m",
        severity="page",
        summary="No web process answers: third parties get nothing",
        description="For three minutes Prometheus reached none, they came and went, or Kubernetes has none that is "
        "ready.",
        dashboard="overview",
    )


def _process_gone(role: ProcessRole) -> Alert:
    return Alert(
        "ProcessDown",
        _unavailable(role) if role.optional else _process_missing(role),
        for_="10m",
        severity="ticket",
        summary=f"The process {role.name} does not run",
        description=f"For ten minutes none of it answered or was ready, or it came and went. {role.impact}",
        dashboard="overview",
        labels=((_ROLE, role.name),),
    )


def _process_missing(role: ProcessRole) -> PromqlQuery:
    targets = series(UP, LabelMatcher("job", role.job), LabelMatcher(_ROLE, role.name))
    return compose("({}) and on () count({}) or {}", _gone(targets), _WITH_ROLES, _unavailable(role))


def _gone(targets: PromqlQuery) -> PromqlQuery:
    """1 while no target answers; the number of changes while they come and go, three times within a quarter."""
    return compose("absent({} == 1) or changes((max({}) or vector(0))[15m:30s]) > 4", targets, targets)


def _unavailable(role: ProcessRole) -> PromqlQuery:
    """1 while Kubernetes has no ready pod of the Deployment and is to have one, or had none for most of a quarter.

    A container that ends again and again is ready for moments between, and what tells its metrics stays up beside it.
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
