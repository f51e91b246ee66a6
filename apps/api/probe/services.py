"""The probe's surroundings: what it reads, its client and key, and what its checks are counted as."""

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
from apps.api.probe.checks import CHECKS, DATASET, HIDDEN, HIDDEN_VALUE, ROW, CheckResult, Probe, run_checks
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
    """Where the probe's contract stands."""
    return Path(settings.BASE_DIR) / "contracts" / "probe.yaml"


def probe_dataset_install(today: datetime.date) -> bool:
    """Make the dataset and its one row what they should be; whether the row had to be written.

    Raises what applying a contract and writing a record raise.
    """
    # The web holds no owner's rights: there the contract stands already, applied by a job of the release.
    if ALIAS in settings.DATABASES:
        for _, document in documents(contract_path()):
            dataset_apply(document)
    dataset = dataset_get(DATASET)
    names = tuple(field.name for field in dataset.contract.fields)
    access = AccessScope(dataset, visible_schema(dataset.contract, names), frozenset({"read", "write"}))
    record_id = record_id_encoder(access).make(json.dumps([ROW["name"]]))
    try:
        stands = json.loads(record_item(access, record_id, ()).body)
    except RecordNotFound:
        stands = {}
    if {**stands, "_id": ""} == {**STORED, "_id": ""}:
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
    """A new key for the probe's client, which may read the probe's dataset and nothing else; older keys end."""
    client, _ = Client.objects.get_or_create(name=PROBE)
    Client.objects.filter(pk=client.pk).update(revoked_at=None)
    client.keys.filter(revoked_at=None).update(revoked_at=Now())
    client.grants.all().delete()
    Grant.objects.create(client=client, dataset_id=dataset_get(DATASET).id, may_read=True, may_write=False)
    return key_create(client)


def probe_run(probe: Probe, clock: Callable[[], float], now: Callable[[], float]) -> Iterator[CheckResult]:
    """Each check as it ends, counted; `clock` counts seconds, `now` is seconds since 1970."""
    for outcome in run_checks(probe, clock):
        prometheus.counter(PROBE_CHECKS).labels(outcome.name, "passed" if outcome.passed else "failed").inc()
        yield outcome
    prometheus.gauge(PROBE_LAST_RUN).set(now())


def probe_metrics_init() -> None:
    """Show every check at zero: a failure that is the first of its kind would else look like no rise at all."""
    for name, _ in CHECKS:
        for outcome in ("passed", "failed"):
            prometheus.counter(PROBE_CHECKS).labels(name, outcome)
