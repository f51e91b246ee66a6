"""Grafana's legacy `/api`: reads its state and applies one change at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from apps.monitoring.errors import GrafanaConflict, GrafanaRefused, GrafanaUnavailable
from apps.monitoring.grafana.client import legacy_writes as writes
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.legacy_reads import GrafanaStateReader
from apps.monitoring.grafana.client.response import GrafanaResponse
from apps.monitoring.grafana.sync.objects import GrafanaObject, GrafanaState, Manifest, ObjectKind
from apps.monitoring.grafana.sync.plan import SECRET, PlannedAction, SecretMatcher, actual_body, compare
from apps.monitoring.grafana.sync.port import DeploymentAnnotation

READS: Final = ("folders:read", "dashboards:read", "datasources:read", "alert.provisioning:read", "annotations:read")
WRITES: Final = (
    *("folders:create", "folders:write", "folders:delete"),
    *("dashboards:create", "dashboards:write", "dashboards:delete"),
    *("datasources:create", "datasources:write", "datasources:delete"),
    *("alert.provisioning:write", "annotations:create", "annotations:write"),
)
OPEN: Final = ("anden", "deploy", "open")
DONE: Final = ("anden", "deploy")
"""The tags of a deployment's annotation, during and after it."""

CONFLICT_STATUSES: Final = (400, 409, 412)
"""Conflicts with another client or an earlier attempt: an outdated version, an existing uid or name."""


class LegacyGrafana:
    """One Grafana of version 11 to 13."""

    def __init__(self, client: GrafanaApiClient, version: str) -> None:
        self._client = client
        self._version = version
        self._reader = GrafanaStateReader(client)

    @property
    def version(self) -> str:
        """The version that Grafana reports."""
        return self._version

    def check_rights(self, *, write: bool) -> None:
        """Check the token's permissions. Raises GrafanaRefused: names the missing ones."""
        response = self._client.send("GET", "/api/access-control/user/permissions")
        if not (response.ok and isinstance(response.body, dict)):
            raise GrafanaRefused(f"{self._client.where} does not return the token's permissions: {response.message}")
        missing = [action for action in (*READS, *(WRITES if write else ())) if action not in response.body]
        if missing:
            raise GrafanaRefused(
                f"{self._client.where}: the token lacks {', '.join(missing)}: give its service account the role Admin"
            )

    def read(self, manifest: Manifest, *, policy: bool = False) -> GrafanaState:
        """Grafana's state, with bodies of the manifest's objects; the policy if the manifest has one or on request."""
        with self._expected_shape():
            return self._reader.state(manifest, policy=policy)

    def apply(self, action: PlannedAction, *, message: str) -> None:
        """Make one change. Raises GrafanaConflict. Secrets are removed from Grafana's error messages."""
        try:
            with self._expected_shape():
                self._apply(action, message)
        except (GrafanaUnavailable, GrafanaRefused, GrafanaConflict) as error:
            masked = _masked(str(error), action)
            if masked == str(error):
                raise
            raise type(error)(masked) from None

    def _apply(self, action: PlannedAction, message: str) -> None:
        response = self._send(action, message)
        if (
            response.status in CONFLICT_STATUSES
            and action.item is not None
            and action.key.kind is not ObjectKind.POLICY
        ):
            rebased = self._rebased(action, action.item, response)
            if rebased is None:
                return
            response = self._send(rebased, message)
            if response.status in CONFLICT_STATUSES:
                raise GrafanaConflict(f"{action.key} keeps changing ({response.message}): run the command again")
        if action.verb == "delete" and response.status == 404:
            return  # deleted by an earlier attempt
        if not response.ok:
            raise self._refusal(action, response)

    def _refusal(self, action: PlannedAction, response: GrafanaResponse) -> GrafanaRefused:
        return GrafanaRefused(
            f"{self._client.where} refuses to {action.verb} {action.key}: {response.status} {response.message}"
        )

    def _rebased(self, action: PlannedAction, item: GrafanaObject, response: GrafanaResponse) -> PlannedAction | None:
        """The same change to the current object; None if an earlier attempt already made it.

        Raises GrafanaConflict: the object is no longer Andén's.
        Raises GrafanaRefused: the object is missing or unchanged since the plan, so the request itself is wrong.
        """
        state = self.read(Manifest((item,)))
        actual = actual_body(item, state)
        if actual is None or actual == action.actual:
            raise self._refusal(action, response)
        if not compare(item, actual, SecretMatcher(trusting=action.verb == "create")):
            return None
        listed = state.listed_by_key().get(action.key)
        if action.key.kind is not ObjectKind.RULE_GROUP and not (listed and listed.owned):
            raise GrafanaConflict(f"{action.key} was taken over by someone else during the sync: check the plan")
        return replace(action, verb="update", actual=actual)

    def _send(self, action: PlannedAction, message: str) -> GrafanaResponse:
        return writes.WRITERS[action.key.kind](self._client, action, message)

    def open_deployment(self) -> DeploymentAnnotation | None:
        """The deployment that was started and not ended, or None."""
        response = self._client.call(self._client.api.annotations.get_annotation, tags=list(OPEN), limit=10)
        self._require_ok(response, "read annotations")
        with self._expected_shape():
            return DeploymentAnnotation(int(response.body[0]["id"])) if response.body else None

    def begin_deployment(self, text: str, *, at_ms: int) -> DeploymentAnnotation:
        """Annotate the start of a deployment.

        An annotation has no uid: after a lost response it is searched for, not sent again.
        """
        annotate = self._client.api.annotations.add_annotation
        try:
            response = self._client.call(annotate, time_from=at_ms, tags=list(OPEN), text=text)
        except GrafanaUnavailable:
            started = self.open_deployment()
            if started is None:
                raise
            return started
        self._require_ok(response, "annotate the deployment")
        with self._expected_shape():
            return DeploymentAnnotation(int(response.body["id"]))

    def end_deployment(self, deployment: DeploymentAnnotation, text: str) -> None:
        """Mark the deployment as complete."""
        patch = self._client.api.annotations.partial_update_annotation
        self._require_ok(
            self._client.call(patch, deployment.id, tags=list(DONE), text=text), "annotate the deployment"
        )

    @contextmanager
    def _expected_shape(self) -> Iterator[None]:
        """Raises GrafanaRefused: a response read in the block does not have the expected shape."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise GrafanaRefused(
                f"{self._client.where} returned an unexpected response for Grafana {self._version} "
                f"({type(error).__name__}: {error}): check for a proxy in between"
            ) from error

    def _require_ok(self, response: GrafanaResponse, what: str) -> None:
        if not response.ok:
            raise GrafanaRefused(f"{self._client.where} refuses to {what}: {response.status} {response.message}")


def _masked(text: str, action: PlannedAction) -> str:
    """The text without the action's secrets."""
    for secret in action.item.secrets.values() if action.item else ():
        text = text.replace(secret, SECRET)
    return text
