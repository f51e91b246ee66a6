"""Keeps Grafana in sync with the code: plan, sync, prune, drift, rollback."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apps.monitoring.errors import SyncNotFound, SyncRefused
from apps.monitoring.grafana.sync.drift import Drift, find_drift
from apps.monitoring.grafana.sync.history import SyncHistory, SyncRecord
from apps.monitoring.grafana.sync.objects import GrafanaState, Manifest, ObjectKey, ObjectKind
from apps.monitoring.grafana.sync.placeholders import (
    PlaceholderValues,
    is_hash_of,
    resolve_placeholders,
    secret_hash,
    secret_name,
)
from apps.monitoring.grafana.sync.plan import PlannedAction, SecretMatcher, SyncPlan, leftovers, plan
from apps.monitoring.grafana.sync.port import DeploymentAnnotation, GrafanaPort
from apps.monitoring.grafana.sync.pruning import check_bounds, prune_plan

ProgressCallback = Callable[[int, int, PlannedAction], None]
"""Called before each change with the number done, the total, and the change."""


@dataclass(frozen=True, slots=True)
class SyncContext:
    """The dependencies of one run."""

    grafana: GrafanaPort
    history: SyncHistory
    revision: str
    now: datetime
    on_progress: ProgressCallback = lambda _done, _total, _action: None


def dashboards_plan(run: SyncContext, manifest: Manifest, *, adopt: bool = False) -> SyncPlan:
    """What a sync would do."""
    run.grafana.check_rights(write=False)
    return plan(manifest, run.grafana.read(manifest), _secret_matcher(run), adopt=adopt)


def dashboards_sync(
    run: SyncContext,
    manifest: Manifest,
    *,
    adopt: bool = False,
    policy: bool = False,
    rollback_of: SyncRecord | None = None,
) -> SyncPlan:
    """Apply the manifest to Grafana and return the plan that was applied.

    Only a rollback deletes. A run may be killed at any request: the next one continues, because changes already made
    no longer differ, and the deployment's annotation stays open until the last change.

    Raises SyncRefused: conflicts with foreign objects; nothing was sent.
    Raises GrafanaUnavailable, GrafanaRefused, GrafanaConflict: partly applied, run it again.
    """
    run.grafana.check_rights(write=True)
    state = run.grafana.read(manifest, policy=policy)
    planned = plan(manifest, state, _secret_matcher(run), adopt=adopt)
    if planned.refusals:
        raise SyncRefused("\n".join(planned.refusals))
    if rollback_of is not None:
        deletions = _deletions(run, manifest, state, rollback_of)
        gone = {action.key for action in deletions}
        left = tuple(item for item in planned.leftovers if item.key not in gone)
        planned = replace(planned, actions=(*planned.actions, *deletions), leftovers=left)
    deployment = run.grafana.open_deployment()
    if planned.actions:
        deployment = _deploy(run, planned.actions, deployment)
    _record(run, manifest, planned, rollback_of)
    if deployment is not None:
        run.grafana.end_deployment(deployment, f"Andén {run.revision}")
    return planned


def _deploy(
    run: SyncContext, actions: Sequence[PlannedAction], deployment: DeploymentAnnotation | None
) -> DeploymentAnnotation:
    """Make the changes and return their deployment.

    Its annotation precedes the first change and is closed after the last one is recorded. An open annotation belongs
    to a run that was killed, and is reused.
    """
    if deployment is None:
        at_ms = int(run.now.timestamp() * 1000)
        deployment = run.grafana.begin_deployment(f"Andén {run.revision}: syncing", at_ms=at_ms)
    for done, action in enumerate(actions):
        run.on_progress(done, len(actions), action)
        run.grafana.apply(action, message=f"Andén {run.revision}")
    return deployment


def _record(run: SyncContext, manifest: Manifest, planned: SyncPlan, rollback_of: SyncRecord | None) -> None:
    """Record what was sent; a run without changes only confirms the newest record."""
    newest = run.history.newest()
    kept = _with_policy(manifest, newest)
    synced = SyncRecord(
        at=run.now,
        revision=run.revision,
        manifest=kept,
        hashes=_hashes(manifest, newest),
        changes=len(planned.actions),
        rolled_back_to=rollback_of.number if rollback_of else None,
    )
    if planned.actions or newest is None or newest.digest != synced.digest:
        run.history.record(synced)
    else:
        run.history.confirm(run.now)


def _with_policy(manifest: Manifest, newest: SyncRecord | None) -> Manifest:
    """The manifest, with the policy of an earlier run if this one has none."""
    if newest is None or any(item.key.kind is ObjectKind.POLICY for item in manifest.objects):
        return manifest
    policy = [item for item in newest.manifest.objects if item.key.kind is ObjectKind.POLICY]
    return Manifest((*manifest.objects, *policy), manifest.skipped)


def _hashes(manifest: Manifest, newest: SyncRecord | None) -> dict[str, str]:
    """A hash of each secret in Grafana; an unchanged secret keeps its salt."""
    known = newest.hashes if newest else {}
    hashes = {}
    for item in manifest.objects:
        for path, secret in item.secrets.items():
            name = secret_name(item.key, path)
            stored = known.get(name)
            same = stored is not None and is_hash_of(stored, secret)
            hashes[name] = stored if stored is not None and same else secret_hash(secret, secrets.token_hex(16))
    return hashes


def _secret_matcher(run: SyncContext) -> SecretMatcher:
    newest = run.history.newest()
    return SecretMatcher(newest.hashes if newest else {})


def _deletions(run: SyncContext, manifest: Manifest, state: GrafanaState, target: SyncRecord) -> list[PlannedAction]:
    """Deletions of the objects that later syncs added."""
    later: set[ObjectKey] = set()
    for synced in run.history.syncs():
        if synced.number and target.number and synced.number > target.number:
            later |= synced.manifest.all_keys()
    gone = [item for item in leftovers(manifest, state) if item.key in later]
    return [PlannedAction("delete", item.key, item.title) for item in gone]


def dashboards_prune(
    run: SyncContext, manifest: Manifest, *, force: bool = False, policy: bool = False, apply: bool = True
) -> SyncPlan:
    """Delete Andén's objects that are not in the code, and return the plan; without `apply`, only return it.

    Andén's subtree of the policy is included only with `policy`.

    Raises PruneRefused: too many deletions without `force`; nothing was sent.
    """
    run.grafana.check_rights(write=apply)
    state = run.grafana.read(Manifest(()), policy=policy)
    planned = prune_plan(manifest, state)
    if not apply:
        return planned
    if not force:
        check_bounds(planned, state)
    for done, action in enumerate(planned.actions):
        run.on_progress(done, len(planned.actions), action)
        run.grafana.apply(action, message="")
    return planned


def dashboards_drift(run: SyncContext, values: PlaceholderValues) -> tuple[Drift, ...]:
    """Manual edits since the last sync; none before the first sync."""
    run.grafana.check_rights(write=False)
    newest = run.history.newest()
    if newest is None:
        return ()
    applied = resolve_placeholders(newest.manifest, values)[0]
    return find_drift(applied, run.grafana.read(applied))


def dashboards_rollback(
    run: SyncContext, values: PlaceholderValues, *, to: int | None, policy: bool = False
) -> tuple[SyncRecord, SyncPlan]:
    """Apply an earlier sync again: the one with this number, or the one before the newest.

    Raises SyncNotFound: there is no such sync.
    """
    kept = run.history.syncs()
    target = next((synced for synced in kept if synced.number == to), None) if to else next(iter(kept[1:]), None)
    if target is None:
        raise SyncNotFound(
            f"sync {to} does not exist: `manage.py dashboards rollback --list` shows the available ones"
            if to
            else "there is no earlier sync to roll back to"
        )
    wanted = target.manifest if policy else target.manifest.without(ObjectKind.POLICY)
    manifest, _ = resolve_placeholders(wanted, values)
    at_revision = replace(run, revision=target.revision)
    return target, dashboards_sync(at_revision, manifest, policy=policy, rollback_of=target)
