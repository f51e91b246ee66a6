"""`python -m tests.chaos`: cause faults while records arrive, then audit every record."""

import argparse
import secrets
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.chaos.faults import FAULTS
from tests.chaos.run import ChaosRun, chaos


def main(arguments: list[str]) -> int:
    """Run; return 1 if a record is lost, doubled or wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=300, help="number of faults (default 300)")
    parser.add_argument("--seed", type=int, default=None, help="seed of order, targets and records")
    parser.add_argument("--together", type=int, default=3, help="most faults at the same time (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the producers' rates")
    parser.add_argument("--stretch", type=float, default=1.0, help="factor on the duration of faults")
    parser.add_argument("--only", action="append", choices=[fault.name for fault in FAULTS], help="can be repeated")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    folder = Path(mkdtemp(prefix="anden-chaos-"))
    folder.chmod(0o711)
    print(f"{options.faults} faults, seed {seed}, in {folder}", flush=True)
    run = ChaosRun(options.faults, seed, options.together, options.scale, options.stretch, options.only or ())
    result = chaos(run, folder, lambda line: print(line, flush=True))
    print(f"\n{result.text}")
    if result.failed:
        print(f"FAILED. Evidence: {folder / 'evidence'}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
