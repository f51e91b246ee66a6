"""What a synchronisation needs of a Grafana, whatever API it speaks.

The legacy `/api` of Grafana 11 to 13 stands behind it today. An adapter for `/apis` would be a second row in the
table of `adapters/grafana/connect.py`, chosen by the version that `/api/health` gives.
"""

from dataclasses import dataclass
from typing import Protocol

from apps.monitoring.grafana.sync.objects import GrafanaState, Manifest
from apps.monitoring.grafana.sync.plan import PlannedAction


@dataclass(frozen=True, slots=True)
class DeploymentAnnotation:
    """The annotation of a synchronisation that began and, as far as Grafana knows, has not ended."""

    id: int


class GrafanaPort(Protocol):
    """One Grafana, one organisation. Every method raises GrafanaUnavailable and GrafanaRefused."""

    @property
    def version(self) -> str:
        """The version, as Grafana tells it."""

    def check_rights(self, *, write: bool) -> None:
        """Nothing, if the token may do all that a run needs. Raises GrafanaRefused: names what it may not."""

    def read(self, manifest: Manifest, *, policy: bool = False) -> GrafanaState:
        """What stands there, with the bodies of the manifest's objects; the policy if it has one, or when asked."""

    def apply(self, action: PlannedAction, *, message: str) -> None:
        """Make one change, unless somebody else was faster.

        Raises GrafanaConflict: the object is not what the action was planned for, and not what it leads to.
        """

    def open_deployment(self) -> DeploymentAnnotation | None:
        """The deployment that was begun and not ended, by this run or one that was killed."""

    def begin_deployment(self, text: str, *, at_ms: int) -> DeploymentAnnotation:
        """An annotation on every time axis: a deployment begins."""

    def end_deployment(self, deployment: DeploymentAnnotation, text: str) -> None:
        """The annotation says from now on that the deployment is whole."""
