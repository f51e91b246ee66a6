"""`python -m bench`: measures, prints a table, writes bench/results/*.json; exits 1 when a claim does not hold."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
SUITES: Final = ("ingest", "api", "database_time")


def main(arguments: list[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    # The processes that are started find the project as this one does.
    os.environ["PYTHONPATH"] = f"{ROOT}:{ROOT / 'platform'}"
    from bench.result import table, write  # noqa: PLC0415 - after the path
    from bench.servers import servers  # noqa: PLC0415

    everything = []
    with servers() as running:
        from bench import api, database_time, ingest  # noqa: PLC0415 - after Django's setup

        for suite in options.only or SUITES:
            if suite == "ingest":
                results = ingest.measure(running, passes=1 if options.quick else 4, rounds=options.rounds)
            elif suite == "api":
                results = api.measure(running, rounds=options.rounds)
            else:
                results = database_time.measure(running, rounds=options.rounds)
            write(results, options.results / f"{suite}.json")
            everything += results
    print(f"\n{table(everything)}")
    return 0 if all(result.holds for result in everything) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Andén beside its peers.")
    parser.add_argument("--quick", action="store_true", help="the flights once, not four times: less steady")
    parser.add_argument("--rounds", type=int, default=4, help="rounds, interleaved; medians count (default 4)")
    parser.add_argument("--only", action="append", choices=SUITES, help="only this suite; may be repeated")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
