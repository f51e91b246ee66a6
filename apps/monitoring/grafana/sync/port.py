"""The port to Grafana, independent of its API version.

The adapter speaks the legacy `/api` of Grafana 11 to 13. One for `/apis` would be a second row in the table of
`client/connection.py`, chosen by the version in `/api/health`.
"""

from dataclasses import dataclass
from typing import Protocol

from apps.monitoring.grafana.sync.objects import GrafanaState, Manifest
from apps.monitoring.grafana.sync.plan import PlannedAction


@dataclass(frozen=True, slots=True)
class DeploymentAnnotation:
    """The annotation of a sync."""

    id: int


class GrafanaPort(Protocol):
    """One organisation of one Grafana. Every method raises GrafanaUnavailable and GrafanaRefused."""

    @property
    def version(self) -> str:
        """The version that Grafana reports."""

    def check_rights(self, *, write: bool) -> None:
        """Check the token's permissions. Raises GrafanaRefused: names the missing ones."""

    def read(self, manifest: Manifest, *, policy: bool = False) -> GrafanaState:
        """Grafana's state, with bodies of the manifest's objects; the policy if the manifest has one or on request."""

    def apply(self, action: PlannedAction, *, message: str) -> None:
        """Make one change, unless someone else changed the object.

        Raises GrafanaConflict: the object matches neither the planned nor the desired state.
        """

    def open_deployment(self) -> DeploymentAnnotation | None:
        """The deployment that was started and not ended, by this run or one that was killed; or None."""

    def begin_deployment(self, text: str, *, at_ms: int) -> DeploymentAnnotation:
        """Annotate the start of a deployment."""

    def end_deployment(self, deployment: DeploymentAnnotation, text: str) -> None:
        """Mark the deployment as complete."""
