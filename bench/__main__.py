"""`python -m bench`: measures, prints a table, writes bench/results/*.json; exits with 1 if a claim fails."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.result import Result

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
SERVED: Final = ("ingest", "api", "database_time")
"""The suites that need PostgreSQL, Kafka and the web server."""
SUITES: Final = ("fleet", *SERVED)


def main(arguments: list[str]) -> int:
    """Run the suites; return 1 if a claim fails."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.fleet_seed is not None and options.results == RESULTS:
        parser.error("--fleet-seed: name another folder by --results, because that one holds the published results")
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    # Child processes import the project from here, too.
    os.environ["PYTHONPATH"] = f"{ROOT}:{ROOT / 'platform'}"
    from bench.result import table  # noqa: PLC0415 - after the path

    chosen = options.only or SUITES
    everything = []
    if "fleet" in chosen:
        everything += _fleet(options.results, options.fleet_seed)
    if set(chosen) & set(SERVED):
        everything += _served([suite for suite in chosen if suite in SERVED], options)
    print(f"\n{table(everything)}")
    return 0 if all(result.holds for result in everything) else 1


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
        from bench import api, database_time, ingest  # noqa: PLC0415 - after Django's setup

        for suite in suites:
            if suite == "ingest":
                results = ingest.measure(running, passes=1 if options.quick else 4, rounds=options.rounds)
            elif suite == "api":
                results = api.measure(running, rounds=options.rounds)
            else:
                results = database_time.measure(running, rounds=options.rounds)
            write(results, options.results / f"{suite}.json")
            everything += results
    return everything


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Andén and compare it with baselines."
    )
    parser.add_argument("--quick", action="store_true", help="the flights once, not four times: noisier")
    parser.add_argument("--rounds", type=int, default=4, help="interleaved rounds; medians count (default 4)")
    parser.add_argument("--only", action="append", choices=SUITES, help="only this suite; can be repeated")
    parser.add_argument("--fleet-seed", type=_seed, metavar="N", help="simulate other fleets than the published ones")
    parser.add_argument("--results", type=Path, default=RESULTS, help="output folder")
    return parser


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise ValueError
    return seed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
