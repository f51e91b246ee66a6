"""What a synchronisation needs of a Grafana, whatever API it speaks.

The legacy `/api` of Grafana 11 to 13 stands behind it today. An adapter for `/apis` would be a second row in the
table of `adapters/grafana/connect.py`, chosen by the version that `/api/health` gives.
"""

from dataclasses import dataclass
from typing import Protocol

from apps.monitoring.grafana.sync.objects import Manifest, State
from apps.monitoring.grafana.sync.plan import Action


@dataclass(frozen=True, slots=True)
class Deployment:
    """The annotation of a synchronisation that began and, as far as Grafana knows, has not ended."""

    id: int


class Grafana(Protocol):
    """One Grafana, one organisation. Every method raises GrafanaAway and GrafanaRefused."""

    @property
    def version(self) -> str:
        """The version, as Grafana tells it."""

    def check_rights(self, *, write: bool) -> None:
        """Nothing, if the token may do all that a run needs. Raises GrafanaRefused: names what it may not."""

    def read(self, manifest: Manifest, *, policy: bool = False) -> State:
        """What stands there, with the bodies of the manifest's objects; the policy if it has one, or when asked."""

    def apply(self, action: Action, *, message: str) -> None:
        """Make one change, unless somebody else was faster.

        Raises GrafanaChanged: the object is not what the action was planned for, and not what it leads to.
        """

    def open_deployment(self) -> Deployment | None:
        """The deployment that was begun and not ended, by this run or one that was killed."""

    def begin_deployment(self, text: str, *, at_ms: int) -> Deployment:
        """An annotation on every time axis: a deployment begins."""

    def end_deployment(self, deployment: Deployment, text: str) -> None:
        """The annotation says from now on that the deployment is whole."""
