"""`python -m bench.neighbours`: how fast a healthy dataset moves beside one at which a fault is made, in one worker.

Each round takes the same backlog twice, first or last beside a neighbour without a fault. A fault is a row of FAULTS.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bench.result import Result
    from bench.servers import Servers

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results" / "neighbours.json"
BAR: Final = 0.9
BACKLOG: Final = 200_000
SICK: Final = 4_000
EACH: Final = 200
"""Of the sick dataset's records each so many-th is the faulty one."""


def nothing(*_: object) -> None:
    """What most faults do at most moments."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: what each faulty record is, what is done to the dataset before it is read, and inside of the worker."""

    value: bytes | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    make: Callable[["Servers", str], None] = nothing
    patch: Callable[[], None] = nothing


def _later_contract(servers: "Servers", dataset: str) -> None:
    import psycopg  # noqa: PLC0415 - only where servers are

    url = servers.postgres.urls()["ANDEN_DATABASE_OWNER_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE datasets_contractversion v SET document = replace(document, '\"integer\"', '\"later\"') "
            "FROM datasets_dataset d WHERE d.id = v.dataset_id AND d.name = %s",
            (dataset,),
        )


def _rows_without_dumper() -> None:
    from apps.ingest.core.decoding import Decoder  # noqa: PLC0415 - in the worker alone

    decode = Decoder.decode

    def spoiling(self: Decoder, records: Any, **how: Any) -> Any:
        part = decode(self, records, **how)
        part.rows = [(object(), *row[1:]) if row[0] == -1 else row for row in part.rows]
        return part

    Decoder.decode = spoiling  # type: ignore[method-assign]


def _decoder_that_fails() -> None:
    from apps.ingest.core.decoding import Decoder  # noqa: PLC0415 - in the worker alone

    decode = Decoder.decode

    def failing(self: Decoder, records: Any, **how: Any) -> Any:
        part = decode(self, records, **how)
        if any(row[0] == -1 for row in part.rows):
            raise SystemError
        return part

    Decoder.decode = failing  # type: ignore[method-assign]


MARKED: Final = b'{"id":-1,"name":"faulty"}'
FAULTS: Final[dict[str, Fault]] = {
    "none": Fault(),
    "poison values": Fault(value=b'{"id":"poison"}'),
    "a header name that is not UTF-8": Fault(value=b'{"id":"poison"}', headers=((b"caf\xe9", b"1"),)),
    "a contract of a later version": Fault(make=_later_contract),
    "a row that the driver cannot send": Fault(value=MARKED, patch=_rows_without_dumper),
    "a record that the decoder fails at": Fault(value=MARKED, patch=_decoder_that_fails),
}


def measure(servers: "Servers", *, rounds: int, only: Sequence[str]) -> "list[Result]":
    """A comparison for each fault: the healthy dataset's rows a second beside it, and beside none."""
    from bench.result import rates  # noqa: PLC0415 - after the path

    _fill(servers.kafka.bootstrap, "healthy", BACKLOG, Fault())
    results: list[Result] = []
    for name in only or [name for name in FAULTS if name != "none"]:
        beside: dict[str, list[float]] = {name: [], "none": []}
        for number in range(rounds):
            for side in (name, "none") if number % 2 else ("none", name):
                beside[side].append(_rate(servers, side, f"{len(results)}_{number}_{len(beside[side])}"))
        results.append(rates(f"beside {name}", "rows/s", beside[name], beside["none"], bar=BAR))
        print(f"  {name}: {results[-1].ratio:.2f}", flush=True)
    return results


def _rate(servers: "Servers", name: str, suffix: str) -> float:
    """The healthy dataset's rows a second, from its first commit to its last."""
    import psycopg  # noqa: PLC0415 - only where servers are

    from apps.datasets.services import dataset_apply  # noqa: PLC0415 - after Django's setup
    from tests.documents import document, prop  # noqa: PLC0415

    kind = "calm" if name == "none" else "sick"
    sick, well = f"{kind}_{suffix}", f"well_{kind}_{suffix}"
    properties = [prop("id", "integer", required=True), prop("name")]
    dataset_apply(document(well, properties, physical_name="healthy", mode="append"))
    dataset_apply(document(sick, properties, physical_name=sick, mode="append"))
    _fill(servers.kafka.bootstrap, sick, SICK, FAULTS[name])
    FAULTS[name].make(servers, sick)
    servers.checkpoint()
    environment = {**os.environ, "ANDEN_KAFKA_GROUP_ID": f"bench-{kind}-{suffix}"}
    command = [sys.executable, "-m", "bench.neighbours", "--worker", name, well, sick]
    told = json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    with psycopg.connect(servers.postgres.admin_url, dbname="anden", autocommit=True) as connection:
        row = connection.execute(
            "WITH mine AS (SELECT b.rows, b.committed_at FROM datasets_batch b JOIN datasets_dataset d "
            "ON d.id = b.dataset_id WHERE d.name = %s), first AS (SELECT min(committed_at) AS at FROM mine) "
            "SELECT sum(mine.rows) FILTER (WHERE committed_at > first.at), "
            "extract(epoch FROM max(committed_at) - min(first.at)), sum(mine.rows) FROM mine, first",
            (well,),
        ).fetchone()
    if row is None or row[2] != BACKLOG or (name != "none" and not told["faults"]):
        raise RuntimeError(f"beside {name}, the healthy dataset has {row and row[2]} rows; the worker told {told}")
    return float(row[0]) / float(row[1])


def _fill(bootstrap: str, topic: str, count: int, fault: Fault) -> None:
    from confluent_kafka import Producer  # noqa: PLC0415 - only where servers are
    from confluent_kafka.admin import AdminClient, NewTopic  # noqa: PLC0415

    from tests.raw_records import raw_send  # noqa: PLC0415

    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "log_level": 3})
    for number in range(count):
        if fault.value is not None and number % EACH == EACH - 1:
            if producer.flush(60):
                raise TimeoutError("Kafka did not take the records within a minute")
            raw_send(bootstrap, topic, fault.value, fault.headers)
            continue
        while True:
            try:
                producer.produce(topic, b'{"id":%d,"name":"a healthy record"}' % number, partition=0)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60):
        raise TimeoutError("Kafka did not take the records within a minute")


def _work(name: str, datasets: Sequence[str]) -> None:
    """Be the worker: read these datasets to the end, and print how many faults there were."""
    import django  # noqa: PLC0415 - in the worker alone

    django.setup()
    from django.conf import settings  # noqa: PLC0415 - after setup

    from apps.ingest.services.assembly import worker_make  # noqa: PLC0415
    from apps.ingest.services.bounds import Bounds  # noqa: PLC0415

    FAULTS[name].patch()
    bounds = Bounds(until_idle=True, patience_s=60)
    moved = worker_make(datasets, ingest=settings.INGEST, kafka=settings.KAFKA, bounds=bounds).run()
    print(json.dumps({"rows": moved.rows, "faults": moved.rejects + len(moved.stopped)}))


def main(arguments: list[str]) -> int:
    """The exit code: 1 when a fault slows the neighbour down."""
    parser = argparse.ArgumentParser(prog="python -m bench.neighbours", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, interleaved; medians count (default 3)")
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), help="only this fault; may be repeated")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file for the results")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ["PYTHONPATH"] = f"{ROOT}:{ROOT / 'platform'}"
    if options.worker:
        _work(options.worker[0], options.worker[1:])
        return 0
    from bench.result import table, write  # noqa: PLC0415 - after the path
    from bench.servers import servers  # noqa: PLC0415

    with servers() as running:
        results = measure(running, rounds=options.rounds, only=options.only or ())
    write(results, options.results)
    print(f"\n{table(results)}")
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
