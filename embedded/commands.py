"""Runs several management commands in one process, so that Python and Django start only once.

`python -m embedded.commands` reads the commands from stdin as a JSON list of lists. After each it writes a line of
JSON, `{"code": …, "out": …, "err": …}`: the exit code and the output. It stops after the first failure.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from embedded.environment import ROOT


def main() -> int:
    """Run the commands; return the last one's exit code."""
    code = 0
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        for words in json.load(sys.stdin):
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                with _printing_to(out, err):
                    code = _run(words)
                answers.write(json.dumps({"code": code, "out": _text(out), "err": _text(err)}) + "\n")
            answers.flush()
            if code:
                break
    return code


@contextmanager
def _printing_to(out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """Redirect file descriptors 1 and 2: logging and child processes keep the streams that they first opened."""
    streams = ((sys.stdout, out), (sys.stderr, err))
    kept = [os.dup(stream.fileno()) for stream, _ in streams]
    for stream, file in streams:
        os.dup2(file.fileno(), stream.fileno())
    try:
        yield
    finally:
        for (stream, _), former in zip(streams, kept, strict=True):
            stream.flush()
            os.dup2(former, stream.fileno())
            os.close(former)


def _run(words: Sequence[str]) -> int:
    """The exit code that `manage.py` would have."""
    sys.argv = ["manage.py", *words]
    try:
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)
    except Exception:  # noqa: BLE001 - a traceback is what manage.py would print
        traceback.print_exc()
        return 1
    return 0


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main())
