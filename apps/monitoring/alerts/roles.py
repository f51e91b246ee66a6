"""Processes that a station runs, and the alerts that tell when one of them is gone: a rule for each.

A target that vanishes takes its series with it, so no rule on `up == 0` sees it: what must exist is asked for by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.third_party_metrics import DEPLOYMENT_AVAILABLE, DEPLOYMENT_WANTED, UP
from apps.telemetry.promql import Match, Query, compose, series

TOGETHER: Final = "anden"
"""The job of a station whose web process tells everything: `make run`, compose. No target of it has a role."""
WEB: Final = "web"
_ROLE: Final = "role"


@dataclass(frozen=True, slots=True)
class Role:
    """A Deployment `anden-<name>` of the chart; the ServiceMonitors put its name on its targets as the label `role`.

    `job` is that of its targets. `chosen`: the station may do without it, so that its absence alone says nothing.
    """

    name: str
    job: str
    without: str
    chosen: bool = False

    @property
    def deployment(self) -> str:
        """The name of its Deployment."""
        return f"anden-{self.name}"


ROLES: Final = (
    Role(WEB, "anden-web", "Third parties get no answer."),
    Role("ingest", "anden-metrics", "No record of any topic becomes a row; every dataset grows old."),
    Role("worker", "anden-metrics", "No job runs: no partitions are made, nothing is cleaned, no export is sent."),
    Role("beat", "anden-metrics", "No job is asked for, and so none runs."),
    Role("lag", "anden-metrics", "Nobody measures how far ingest is behind."),
    Role("probe", "anden-metrics", "Nobody looks at the station from the outside.", chosen=True),
    Role("fleet", "anden-metrics", "Nobody looks for outliers among the services.", chosen=True),
    Role("cloudwatch", "anden-metrics", "What AWS runs is not seen.", chosen=True),
    Role("postgres-exporter", "postgres-exporter", "What PostgreSQL says of itself is not known."),
)

_WITH_ROLES: Final = series(UP, Match("job", f"{TOGETHER}.*", "=~"), Match(_ROLE, "", "!="))
"""Targets of a station where each process is a target of its own."""


def role_alerts() -> Iterator[Alert]:
    """One rule for each role."""
    for role in ROLES:
        yield _web_gone(role) if role.name == WEB else _process_gone(role)


def _web_gone(role: Role) -> Alert:
    targets = series(UP, Match("job", f"{TOGETHER}|{role.job}", "=~"))
    return Alert(
        "WebGone",
        compose("{} or {}", _gone(targets), _unavailable(role)),
        hold="3m",
        severity="page",
        summary="No web process answers: third parties get nothing",
        description="For three minutes Prometheus reached none, they came and went, or Kubernetes has none that is "
        "ready.",
        page="station",
    )


def _process_gone(role: Role) -> Alert:
    return Alert(
        "ProcessGone",
        _unavailable(role) if role.chosen else _process_missing(role),
        hold="10m",
        severity="ticket",
        summary=f"The process {role.name} does not run",
        description=f"For ten minutes none of it answered or was ready, or it came and went. {role.without}",
        page="station",
        labels=((_ROLE, role.name),),
    )


def _process_missing(role: Role) -> Query:
    targets = series(UP, Match("job", role.job), Match(_ROLE, role.name))
    return compose("({}) and on () count({}) or {}", _gone(targets), _WITH_ROLES, _unavailable(role))


def _gone(targets: Query) -> Query:
    """1 while no target answers; the number of changes while they come and go, three times within a quarter."""
    return compose("absent({} == 1) or changes((max({}) or vector(0))[15m:30s]) > 4", targets, targets)


def _unavailable(role: Role) -> Query:
    """1 while Kubernetes has no ready pod of the Deployment and is to have one, or had none for most of a quarter.

    A container that ends again and again is ready for moments between, and what tells its metrics stays up beside it.
    """
    deployment = Match("deployment", role.deployment)
    available, wanted = series(DEPLOYMENT_AVAILABLE, deployment), series(DEPLOYMENT_WANTED, deployment)
    is_wanted = compose("and on (namespace, deployment) {} > 0", wanted)
    return compose(
        "count(({} == 0 or avg_over_time((({} > bool 0) {})[15m:30s]) < 0.5) {})",
        available,
        available,
        is_wanted,
        is_wanted,
    )
