"""Grafana by its legacy `/api`: what stands there, and one change at a time."""

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
"""The tags of a deployment's annotation, while it runs and afterwards."""

CLASH: Final = (400, 409, 412)
"""Somebody was faster, or an earlier try of ours: a version that is not the newest, a uid or name that exists."""


class LegacyGrafana:
    """One Grafana of version 11 to 13."""

    def __init__(self, client: GrafanaApiClient, version: str) -> None:
        self._client = client
        self._version = version
        self._reader = GrafanaStateReader(client)

    @property
    def version(self) -> str:
        """The version, as Grafana tells it."""
        return self._version

    def check_rights(self, *, write: bool) -> None:
        """Nothing, if the token may do all that a run needs. Raises GrafanaRefused."""
        answer = self._client.send("GET", "/api/access-control/user/permissions")
        if not (answer.ok and isinstance(answer.body, dict)):
            raise GrafanaRefused(f"{self._client.where} does not tell what the token may do: {answer.message}")
        missing = [action for action in (*READS, *(WRITES if write else ())) if action not in answer.body]
        if missing:
            raise GrafanaRefused(
                f"{self._client.where}: the token lacks {', '.join(missing)}: give its service account the role Admin"
            )

    def read(self, manifest: Manifest, *, policy: bool = False) -> GrafanaState:
        """What stands there, with the bodies of the manifest's objects; the policy if it has one, or when asked."""
        with self._understood():
            return self._reader.state(manifest, policy=policy)

    def apply(self, action: PlannedAction, *, message: str) -> None:
        """Make one change. Raises GrafanaConflict. What Grafana says of it is passed on without our secrets."""
        try:
            with self._understood():
                self._apply(action, message)
        except (GrafanaUnavailable, GrafanaRefused, GrafanaConflict) as error:
            told = _masked(str(error), action)
            if told == str(error):
                raise
            raise type(error)(told) from None

    def _apply(self, action: PlannedAction, message: str) -> None:
        answer = self._send(action, message)
        if answer.status in CLASH and action.item is not None and action.key.kind is not ObjectKind.POLICY:
            again = self._again(action, action.item, answer)
            if again is None:
                return
            answer = self._send(again, message)
            if answer.status in CLASH:
                raise GrafanaConflict(
                    f"{action.key} is being changed by somebody else ({answer.message}): run it again"
                )
        if action.verb == "delete" and answer.status == 404:
            return  # by an earlier try
        if not answer.ok:
            raise self._refusal(action, answer)

    def _refusal(self, action: PlannedAction, answer: GrafanaResponse) -> GrafanaRefused:
        return GrafanaRefused(
            f"{self._client.where} refuses to {action.verb} {action.key}: {answer.status} {answer.message}"
        )

    def _again(self, action: PlannedAction, item: GrafanaObject, answer: GrafanaResponse) -> PlannedAction | None:
        """The same change on what stands there now; None when it is made already, by an earlier try of ours.

        Raises GrafanaConflict: what stands there now is not ours.
        Raises GrafanaRefused: nothing stands there, or what the plan saw: the request itself is wrong.
        """
        state = self.read(Manifest((item,)))
        actual = actual_body(item, state)
        if actual is None or actual == action.actual:
            raise self._refusal(action, answer)
        if not compare(item, actual, SecretMatcher(trusting=action.verb == "create")):
            return None
        listed = state.listed_by_key().get(action.key)
        if action.key.kind is not ObjectKind.RULE_GROUP and not (listed and listed.owned):
            raise GrafanaConflict(f"{action.key} was taken by somebody else meanwhile: look at the plan again")
        return replace(action, verb="update", actual=actual)

    def _send(self, action: PlannedAction, message: str) -> GrafanaResponse:
        return writes.WRITERS[action.key.kind](self._client, action, message)

    def open_deployment(self) -> DeploymentAnnotation | None:
        """The deployment that was begun and not ended."""
        answer = self._client.call(self._client.api.annotations.get_annotation, tags=list(OPEN), limit=10)
        self._must(answer, "read annotations")
        with self._understood():
            return DeploymentAnnotation(int(answer.body[0]["id"])) if answer.body else None

    def begin_deployment(self, text: str, *, at_ms: int) -> DeploymentAnnotation:
        """An annotation that says that a deployment begins.

        An annotation has no uid: a lost answer is not repeated, but looked for.
        """
        annotate = self._client.api.annotations.add_annotation
        try:
            answer = self._client.call(annotate, time_from=at_ms, tags=list(OPEN), text=text)
        except GrafanaUnavailable:
            begun = self.open_deployment()
            if begun is None:
                raise
            return begun
        self._must(answer, "annotate the deployment")
        with self._understood():
            return DeploymentAnnotation(int(answer.body["id"]))

    def end_deployment(self, deployment: DeploymentAnnotation, text: str) -> None:
        """The annotation says from now on that the deployment is whole."""
        patch = self._client.api.annotations.partial_update_annotation
        self._must(self._client.call(patch, deployment.id, tags=list(DONE), text=text), "annotate the deployment")

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Raises GrafanaRefused: an answer that was read in the block has not the shape of Grafana's."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise GrafanaRefused(
                f"{self._client.where} answers in a shape that Grafana {self._version} is not known for "
                f"({type(error).__name__}: {error}): look whether a proxy between answers for it"
            ) from error

    def _must(self, answer: GrafanaResponse, what: str) -> None:
        if not answer.ok:
            raise GrafanaRefused(f"{self._client.where} refuses to {what}: {answer.status} {answer.message}")


def _masked(text: str, action: PlannedAction) -> str:
    """The text without the secrets that were sent with the action."""
    for secret in action.item.secrets.values() if action.item else ():
        text = text.replace(secret, SECRET)
    return text
