"""A temporary instance for screenshots: a new PostgreSQL, this Django, and fleets evaluated by the real engine."""

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIServer

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from embedded.postgres import EmbeddedPostgres  # noqa: E402 - after the path

if TYPE_CHECKING:
    from apps.fleet.engine.observation import Observation

USER: Final = "steward"
PASSWORD: Final = "only for pictures"  # noqa: S105 - of a server that runs for a minute
SEED: Final = 20
BATCHES: Final = """
INSERT INTO datasets_batch (day, id, dataset_id, version, source_id, first_offset, last_offset, rows, rejects, bytes,
    worker, committed_at)
SELECT (t AT TIME ZONE 'UTC')::date, (SELECT coalesce(max(id), 0) FROM datasets_batch) + n, one.id, 1, 1, 0, 9,
    one.size * (20 + abs(sin(n * 12.9898)) * 5)::int / 5, 0, 1, 'worker', t
FROM (SELECT %s::bigint, %s::int, %s::bool) AS one (id, size, flows), generate_series(1, 56) n,
    LATERAL (SELECT now() - make_interval(secs => 5 * n)) AS moment (t)
WHERE one.flows OR n = 40
"""
POSITION: Final = """
INSERT INTO ingest_source (dataset_id, topic, topic_id, partition, next_offset, epoch, owner, backend_pid, end_offset,
    end_at, updated_at)
VALUES (%s, %s, 't', 0, 100, 1, 'worker', pg_backend_pid(), 100 + %s, now(), now() - make_interval(secs => %s))
"""


@dataclass(frozen=True)
class Fleet:
    """A fleet: its size, its number of faulty services, and the number of stored evaluations."""

    services: int
    evaluations: int
    sick: int = 1
    zone: bool = False


@contextmanager
def scratch_station() -> Iterator[str]:
    """The URL of a migrated, empty instance with one steward; deleted afterwards."""
    with TemporaryDirectory(prefix="anden-pictures-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), quick=True) as server:
            os.environ.update(server.urls())
            os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
            os.environ.setdefault("ANDEN_ALLOWED_HOSTS", "127.0.0.1")
            # Playwright's event loop runs in this thread, but its calls never overlap with the database's.
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
            with _served() as url:
                yield url


@contextmanager
def _served() -> Iterator[str]:
    import django  # noqa: PLC0415 - after the environment is set

    django.setup()
    from django.contrib.auth.models import Group, User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    call_command("migrate", verbosity=0)
    steward = User.objects.create_user(USER, password=PASSWORD, is_staff=True)
    steward.groups.set([Group.objects.get(name="steward")])
    server: WSGIServer = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        connections.close_all()
        for connection in connections.all():
            close_pool = getattr(connection, "close_pool", None)
            if close_pool and connection.settings_dict["OPTIONS"].get("pool"):
                close_pool()


def show(fleet: Fleet) -> None:
    """Replace the instance's fleet with this one and its last hours."""
    from apps.fleet.models.fleet import FleetEvaluation, FleetService  # noqa: PLC0415
    from apps.fleet.models.incidents import Incident, IncidentSuspicion  # noqa: PLC0415
    from apps.fleet.services.evaluation import fleet_evaluate  # noqa: PLC0415
    from apps.fleet.simulation import SimulatedFleet  # noqa: PLC0415
    from apps.fleet.simulation.spec import FleetSpec  # noqa: PLC0415

    for model in (Incident, IncidentSuspicion, FleetEvaluation, FleetService):
        model.objects.all().delete()
    now_s = time.time() // 60 * 60
    simulated = SimulatedFleet(FleetSpec(services=fleet.services, at_s=now_s, faults=_faults(fleet)), SEED)
    for at_s in _moments(now_s, fleet.evaluations):
        # Simulated in advance, so that the displayed duration is the engine's.
        fleet_evaluate(_Drawn(simulated.observe(at_s)), at_s=at_s)


@dataclass(frozen=True)
class _Drawn:
    """A source with a fixed observation."""

    observation: "Observation"

    def observe(self, at_s: float) -> "Observation":
        """Return the fixed observation."""
        return self.observation


def show_datasets() -> None:
    """Apply the sample contracts, fill their tables, and add five minutes of batches to the ledger."""
    from django.db import connection  # noqa: PLC0415

    from apps.datasets.adapters.contract_files import documents  # noqa: PLC0415
    from apps.datasets.models import Dataset  # noqa: PLC0415
    from apps.datasets.services import dataset_apply  # noqa: PLC0415

    for path in sorted((ROOT / "contracts").glob("*.yaml")):
        dataset_apply(next(documents(path))[1])
    _fill()
    with connection.cursor() as cursor:
        for dataset in Dataset.objects.exclude(name="persons"):
            cursor.execute(
                BATCHES, [dataset.pk, 5_000 if dataset.name == "flights" else 900, dataset.name == "flights"]
            )
            lag, ago_s = (212, 5) if dataset.name == "flights" else (0, 200)
            cursor.execute(POSITION, [dataset.pk, dataset.name, lag, ago_s])


def _fill() -> None:
    """Copy the sample data into its tables."""
    import datetime  # noqa: PLC0415

    from apps.datasets.adapters.database.connections import connect  # noqa: PLC0415
    from apps.datasets.adapters.table.partitions import ensure_months  # noqa: PLC0415
    from apps.datasets.selectors import dataset_get  # noqa: PLC0415
    from apps.ingest.demo.nycflights import TABLES, read_table  # noqa: PLC0415

    for table in TABLES:
        dataset, records = dataset_get(table.name), read_table(table)
        is_upsert = dataset.contract.mode.value == "upsert"
        names = (*records.columns, "_source", "_offset", "_batch", *(("_at", "_rev") if is_upsert else ()))
        moment = datetime.datetime.now(datetime.UTC)
        with connect("ingest") as connection:
            if table.timed:
                ensure_months(connection, dataset.id, datetime.date(2013, 1, 1), datetime.date(2014, 1, 1))
            quoted = ", ".join(f'"{name}"' for name in names)
            with connection.cursor().copy(f'COPY data."{table.name}" ({quoted}) FROM STDIN') as copy:
                for offset, row in enumerate(records):
                    copy.write_row((*records.values(row), 1, offset, 1, *((moment, 1) if is_upsert else ())))
            connection.commit()
        with connect("owner") as connection:
            connection.execute(f'ANALYZE data."{table.name}"')
            connection.commit()


def _moments(now_s: float, evaluations: int) -> Sequence[float]:
    """The times of the evaluations, evenly over the last six hours, rounded to minutes."""
    step_s = 6 * 3_600 // evaluations // 60 * 60
    return [now_s - step_s * back for back in range(evaluations - 1, -1, -1)]


def _faults(fleet: Fleet) -> tuple[object, ...]:
    """Faults of several kinds, a silent service, and optionally a zone fault."""
    from apps.fleet.simulation import Fault, FaultKind  # noqa: PLC0415

    places = [7 + 13 * number for number in range(fleet.sick)]
    kinds = (
        Fault(FaultKind.LEVEL, 3.2, ("error_ratio", "latency_p95"), start_s=5_400),
        Fault(FaultKind.LEVEL, 2.2, ("database_write", "latency_p95"), start_s=9_000),
        Fault(FaultKind.STEP, 1.9, ("latency_p95",), start_s=4_200),
        Fault(FaultKind.LEVEL, 0.4, ("request_rate",), start_s=7_200),
        Fault(FaultKind.LEVEL, 2.6, ("saturation",), start_s=12_600, end_s=0),
        Fault(FaultKind.DRIFT, 2.4, ("database_read",), start_s=10_800),
    )
    from dataclasses import replace  # noqa: PLC0415

    faults = [
        replace(kinds[number % len(kinds)], services=(place % fleet.services,)) for number, place in enumerate(places)
    ]
    faults.append(Fault(FaultKind.SILENT, services=(3,), start_s=14_400, end_s=9_000))
    if fleet.zone:
        faults.append(Fault(FaultKind.ZONE, 1.7, ("latency_p95",), services=(1,), start_s=4_800))
    return tuple(faults)
