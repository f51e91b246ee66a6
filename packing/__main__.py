"""`python -m packing probe|api`: renders the probe's zip, builds the API's and measures it."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from packing import probe
from packing.api import HERE
from packing.build import build, unpack_layout
from packing.cold_start import cold_start

FOLDER: Final = Path(".anden/functions")


def main(arguments: list[str]) -> int:
    """Build the zip; return 1 if the API's is too large for Lambda."""
    parser = argparse.ArgumentParser(
        prog="python -m packing", description="Build the zips of the AWS Lambda functions."
    )
    parser.add_argument("what", choices=["probe", "api"])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="output folder of the API's zip")
    options = parser.parse_args(arguments)
    if options.what == "probe":
        render()
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    built = build(options.folder / "api.zip")
    sys.stdout.write(f"{built.summary()}\n")
    with tempfile.TemporaryDirectory(prefix="anden-function-") as folder:
        unpack_layout(Path(folder), HERE)
        for words, bytecode in (("without bytecode, as in Lambda:", False), ("with bytecode:", True)):
            sys.stdout.write(f"  cold start here {words} {cold_start(Path(folder), bytecode=bytecode).summary()}\n")
    return 0 if built.fits else 1


def render() -> None:
    """Write the probe's zip if it is not up to date."""
    wanted = probe.probe_zip()
    if not probe.PATH.exists() or probe.PATH.read_bytes() != wanted:
        probe.PATH.parent.mkdir(parents=True, exist_ok=True)
        probe.PATH.write_bytes(wanted)
        sys.stdout.write(f"wrote {probe.PATH.relative_to(probe.ROOT)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
