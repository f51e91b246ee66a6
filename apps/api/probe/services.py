"""The probe's dataset, client, key and metrics."""

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.api.access.keys import KeyText
from apps.api.access.selectors import PROBE, AccessScope
from apps.api.access.visible_schema import visible_schema
from apps.api.clients.services import key_create
from apps.api.errors import RecordNotFound
from apps.api.metrics import PROBE_CHECKS, PROBE_LAST_RUN
from apps.api.models import Client, Grant
from apps.api.probe.checks import CHECKS, DATASET, HIDDEN, HIDDEN_VALUE, ROW, Probe, ProbeCheckResult, run_checks
from apps.api.records.core.preconditions import Preconditions
from apps.api.records.reading import record_id_encoder, record_item
from apps.api.records.writes import WriteRequest, record_write
from apps.datasets.adapters.contract_files import documents
from apps.datasets.adapters.database.owner_transaction import ALIAS
from apps.datasets.selectors import dataset_get
from apps.datasets.services import dataset_apply
from apps.telemetry import prometheus

STORED = {**ROW, HIDDEN: HIDDEN_VALUE}


def contract_path() -> Path:
    """The path of the probe's contract."""
    return Path(settings.BASE_DIR) / "contracts" / "probe.yaml"


def probe_dataset_install(today: datetime.date) -> bool:
    """Apply the probe's contract and write its row if it differs; return whether the row was written.

    Raises what `dataset_apply` and `record_write` raise.
    """
    # The web has no owner role. There, a release job has already applied the contract.
    if ALIAS in settings.DATABASES:
        for _, document in documents(contract_path()):
            dataset_apply(document)
    dataset = dataset_get(DATASET)
    names = tuple(field.name for field in dataset.contract.fields)
    access = AccessScope(dataset, visible_schema(dataset.contract, names), frozenset({"read", "write"}))
    record_id = record_id_encoder(access).encode(json.dumps([ROW["name"]]))
    try:
        stored = json.loads(record_item(access, record_id, ()).body)
    except RecordNotFound:
        stored = {}
    if {**stored, "_id": ""} == {**STORED, "_id": ""}:
        return False
    body = json.dumps(STORED).encode()
    record_write(
        access,
        WriteRequest(
            method="PUT",
            body=body,
            record_id=record_id,
            preconditions=Preconditions(),
            worker="probe install",
            today=today,
        ),
    )
    return True


@transaction.atomic
def probe_key_rotate() -> KeyText:
    """A new key for the probe's client, which can read only the probe's dataset. Older keys are revoked."""
    client, _ = Client.objects.get_or_create(name=PROBE)
    Client.objects.filter(pk=client.pk).update(revoked_at=None)
    client.keys.filter(revoked_at=None).update(revoked_at=Now())
    client.grants.all().delete()
    Grant.objects.create(client=client, dataset_id=dataset_get(DATASET).id, may_read=True, may_write=False)
    return key_create(client)


def probe_run(probe: Probe, clock: Callable[[], float], now: Callable[[], float]) -> Iterator[ProbeCheckResult]:
    """Each check as it ends, counted; `clock` counts seconds, `now` is seconds since 1970."""
    for outcome in run_checks(probe, clock):
        prometheus.counter(PROBE_CHECKS).labels(outcome.name, "passed" if outcome.passed else "failed").inc()
        yield outcome
    prometheus.gauge(PROBE_LAST_RUN).set(now())


def probe_metrics_init() -> None:
    """Initialize every counter to 0, so that increase() sees the first failure."""
    for name, _ in CHECKS:
        for outcome in ("passed", "failed"):
            prometheus.counter(PROBE_CHECKS).labels(name, outcome)
