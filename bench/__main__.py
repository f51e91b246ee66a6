"""`python -m bench`: measures, prints a table, writes bench/results/*.json; exits with 1 if a claim fails."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.ingest import SHAPES
from bench.paths import ROOT, set_paths

if TYPE_CHECKING:
    from bench.result import Result
    from bench.servers import Servers

RESULTS: Final = ROOT / "bench" / "results"
SERVED: Final = (*SHAPES[:-1], "api", "database_time", *SHAPES[-1:])
"""The suites that need PostgreSQL, Kafka and the web server, in the order of running."""
SUITES: Final = ("fleet", *SERVED)
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
INGEST: Final = "ingest"
"""Names all shapes of ingest together."""


def main(arguments: list[str]) -> int:
    """Run the suites; return 1 if a claim fails."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.fleet_seed is not None and options.results == RESULTS:
        parser.error("--fleet-seed: name another folder by --results, because that one holds the published results")
    set_paths()
    from bench.result import table  # noqa: PLC0415 - after the path

    chosen = chosen_suites(options.only or SUITES)
    everything = []
    if "fleet" in chosen:
        everything += _fleet(options.results, options.fleet_seed)
    if served := [suite for suite in chosen if suite in SERVED]:
        everything += _served(served, options)
    print(f"\n{table(everything)}")
    failed = [result for result in everything if not result.holds]
    for result in failed:
        print(f"FAILS: {result.failure}")
    return 1 if failed else 0


def chosen_suites(words: Sequence[str]) -> list[str]:
    """The suites that these words name, in the order of running."""
    names = {name for word in words for name in (SHAPES if word == INGEST else (word,))}
    return [suite for suite in SUITES if suite in names]


def _fleet(folder: Path, first_seed: int | None) -> "list[Result]":
    from bench import fleet  # noqa: PLC0415 - after the path
    from bench.fleet_accuracy import HELD_OUT  # noqa: PLC0415
    from bench.result import write  # noqa: PLC0415

    results = fleet.measure(folder, first_seed=HELD_OUT if first_seed is None else first_seed)
    write(results, folder / "fleet.json")
    return results


def _served(suites: list[str], options: argparse.Namespace) -> "list[Result]":
    from bench.result import write  # noqa: PLC0415 - after the path
    from bench.servers import servers  # noqa: PLC0415

    everything = []
    with servers() as running:
        for suite in suites:
            results = _measure(suite, running, options)
            write(results, options.results / f"{suite}.json")
            everything += results
    return everything


def _measure(suite: str, running: "Servers", options: argparse.Namespace) -> "list[Result]":
    from bench import api, database_time, ingest  # noqa: PLC0415 - after Django's setup

    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    if suite == "api":
        return api.measure(running, rounds=rounds)
    if suite == "database_time":
        return database_time.measure(running, rounds=rounds)
    return ingest.measure(suite, running, rounds=rounds, quick=options.quick)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Andén and compare it with baselines."
    )
    parser.add_argument("--quick", action="store_true", help="fewer records, two rounds: noisier")
    parser.add_argument("--rounds", type=_count, help=f"interleaved rounds; medians count (default {ROUNDS})")
    words = (*SUITES, INGEST)
    parser.add_argument(
        "--only",
        action="append",
        choices=words,
        help=f"only this suite; can be repeated; {INGEST} is {', '.join(SHAPES)}",
    )
    parser.add_argument("--fleet-seed", type=_seed, metavar="N", help="simulate other fleets than the published ones")
    parser.add_argument("--results", type=Path, default=RESULTS, help="output folder")
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise ValueError
    return seed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
