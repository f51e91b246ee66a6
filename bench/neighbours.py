"""`python -m bench.neighbours`: the rate of a healthy dataset next to a faulty one in the same worker.

Each round ingests the same backlog twice, once next to a neighbour without a fault, in alternating order. It measures
from the first read of the backlog to its last commit. Each fault is a row of FAULTS.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import faulty_topics, neighbour_worker
from bench.neighbour_faults import FAULTS, HANG, NONE, Fault
from bench.neighbour_report import Comparison, CrashCost, report
from bench.paths import ROOT, set_paths

if TYPE_CHECKING:
    from bench.servers import Servers

RESULTS: Final = ROOT / "bench" / "results" / "neighbours.json"
TARGET: Final = 0.9
BACKLOG: Final = 1_500_000
PAUSE_S: Final = 0.1
"""The pause between two blocks of the faulty dataset's records, each with a faulty one."""

FEWEST: Final = faulty_topics.BLOCKS // 6
"""The minimum number of faulty records that arrive before the healthy backlog is read."""

HANGING: Final = "a record that holds the interpreter"
MOST_WORKERS: Final = 6


@dataclass(frozen=True, slots=True)
class DatasetPair:
    """The healthy dataset and its neighbour, for one side of a round."""

    healthy: str
    faulty: str
    group: str


def measure(servers: "Servers", *, rounds: int, only: Sequence[str]) -> list[Comparison]:
    """Measure each fault: the healthy dataset's rows per second next to it, and without it."""
    comparisons = []
    for number, name in enumerate(name for name in FAULTS if name in (only or FAULTS)):
        measured: dict[str, list[float]] = {"faulty": [], "baseline": []}
        for turn in range(rounds):
            for kind in ("faulty", "baseline") if turn % 2 else ("baseline", "faulty"):
                measured[kind].append(_rate(servers, FAULTS[name], kind, f"{number}_{turn}"))
        comparisons.append(Comparison(name, measured["faulty"], measured["baseline"], target=TARGET))
        print(f"  {name}: {comparisons[-1].result.ratio:.2f}", flush=True)
    return comparisons


def _rate(servers: "Servers", fault: Fault, kind: str, suffix: str) -> float:
    """The healthy dataset's rows per second next to a neighbour of this kind."""
    pair = _prepare(servers, fault, kind, suffix)
    faulty = kind == "faulty"
    mix = fault.mix if faulty else replace(fault.mix, faulty=(), headers=())

    def meanwhile() -> None:
        if fault.mix.faulty:
            faulty_topics.send_mixed(servers.kafka.bootstrap, pair.faulty, mix, pause_s=PAUSE_S)

    with neighbour_worker.newcomer(pair.group, pair.faulty, wanted=faulty and fault.newcomer):
        summary = neighbour_worker.run(
            pair.group, _name(fault) if faulty else "", pair.healthy, pair.faulty, meanwhile
        )
    if faulty:
        _prove(servers, fault, summary, pair.faulty)
    rows, seconds = _stored(servers, pair.healthy, summary["reading_at"])
    if rows != BACKLOG:
        raise RuntimeError(f"{pair.healthy} has {rows} rows of {BACKLOG}: {summary}")
    _drop(pair)
    return rows / seconds


def _drop(pair: DatasetPair) -> None:
    """Drop both datasets: otherwise autovacuum would process them during the next round."""
    from apps.datasets.services import dataset_drop  # noqa: PLC0415 - after Django's setup

    for name in (pair.healthy, pair.faulty):
        dataset_drop(name, with_data=True)


def _prepare(servers: "Servers", fault: Fault, kind: str, suffix: str) -> DatasetPair:
    """Create both datasets, cause the fault at one of them, and checkpoint."""
    from apps.datasets.services import dataset_apply  # noqa: PLC0415 - after Django's setup
    from tests.documents import document, prop  # noqa: PLC0415

    pair = DatasetPair(f"healthy_{kind}_{suffix}", f"{kind}_{suffix}", f"bench-{kind}-{suffix}")
    identity = prop("id", "integer", required=True)
    dataset_apply(document(pair.healthy, [identity, prop("name")], physical_name="healthy", mode="append"))
    dataset_apply(document(pair.faulty, [identity, fault.column], physical_name=pair.faulty, mode="append"))
    if kind == "faulty" and fault.fill:
        fault.fill(servers, pair.faulty)
    else:
        faulty_topics.topic_make(servers.kafka.bootstrap, pair.faulty)
        if not fault.mix.faulty:
            faulty_topics.send_mixed(servers.kafka.bootstrap, pair.faulty, fault.mix)
    (fault.make if kind == "faulty" else fault.level)(servers, pair.faulty)
    servers.checkpoint()
    return pair


def _name(fault: Fault) -> str:
    return next((name for name, one in FAULTS.items() if one is fault), HANGING)


def _prove(servers: "Servers", fault: Fault, summary: dict[str, Any], faulty: str) -> None:
    """Raise if the fault did not happen: then nothing was measured."""
    if fault.proof:
        fault.proof(servers, faulty)
    elif fault.stops:
        if fault.stops not in summary["stopped"].get(faulty, ""):
            raise RuntimeError(f"{faulty} should be stopped with '{fault.stops}': {summary}")
    elif fault.mix.faulty and summary["rejects"] < FEWEST:
        raise RuntimeError(f"{faulty} should have at least {FEWEST} rejects: {summary}")


def _stored(servers: "Servers", dataset: str, since: float) -> tuple[int, float]:
    """The dataset's rows, and the seconds from `since` to its last commit."""
    import psycopg  # noqa: PLC0415 - only where servers are

    with psycopg.connect(servers.postgres.admin_url, dbname="anden") as connection:
        row = connection.execute(
            "SELECT sum(b.rows)::int, extract(epoch FROM max(b.committed_at))::float FROM datasets_batch b "
            "JOIN datasets_dataset d ON d.id = b.dataset_id WHERE d.name = %s",
            (dataset,),
        ).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError(f"{dataset} has no rows")
    return row[0], row[1] - since


def hold(servers: "Servers") -> CrashCost:
    """Measure the healthy dataset next to a record that kills the worker, which is restarted immediately."""
    baseline = _prepare(servers, NONE, "baseline", "hang")
    summary = neighbour_worker.run(baseline.group, "", baseline.healthy, baseline.faulty, lambda: None)
    _, baseline_s = _stored(servers, baseline.healthy, summary["reading_at"])
    faulty = _prepare(servers, HANG, "faulty", "hang")
    runs = neighbour_worker.run_until_done(faulty.group, HANGING, faulty.healthy, faulty.faulty, most=MOST_WORKERS)
    rows, faulty_s = _stored(servers, faulty.healthy, runs.began_at)
    if rows != BACKLOG or not runs.ended or runs.summary["rejects"] != 1:
        raise RuntimeError(f"{faulty.healthy} has {rows} rows after {runs.ended} kills: {runs.summary}")
    return CrashCost(HANGING, faulty_s, baseline_s, ended=runs.ended)


def main(arguments: list[str]) -> int:
    """Run the measurements; return 1 if a fault slows its neighbour down."""
    parser = argparse.ArgumentParser(prog="python -m bench.neighbours", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds; the medians count (default 9)")
    parser.add_argument("--only", action="append", choices=[*FAULTS, HANGING], help="only this fault; can be repeated")
    parser.add_argument("--results", type=Path, default=RESULTS, help="output file")
    options = parser.parse_args(arguments)
    set_paths()
    from bench.result import write  # noqa: PLC0415 - after the path
    from bench.servers import servers  # noqa: PLC0415
    from tests.kafkas import AUTHORIZER  # noqa: PLC0415

    with servers(AUTHORIZER) as running:
        faulty_topics.topic_make(running.kafka.bootstrap, "healthy")
        faulty_topics.send(running.kafka.bootstrap, "healthy", lambda number: faulty_topics.HEALTHY % number, BACKLOG)
        comparisons = measure(running, rounds=options.rounds, only=options.only or ())
        crash_cost = hold(running) if HANGING in (options.only or [HANGING]) else None
    write([one.result for one in comparisons], options.results)
    print(f"\n{report(comparisons, crash_cost, backlog=BACKLOG, target=TARGET, every_s=PAUSE_S)}")
    return 0 if all(one.result.holds for one in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
