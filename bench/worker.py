"""Runs one ingest worker: `python -m bench.worker COUNT` prints its figures as JSON."""

import json
import sys
import time

import django


def main(count: int) -> None:
    """Ingest `count` flights; print the seconds from the worker's start to its last commit, as JSON."""
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - after setup

    from apps.ingest.services.run_limits import RunLimits  # noqa: PLC0415
    from apps.ingest.services.worker_factory import worker_make  # noqa: PLC0415
    from bench.memory import own_peak_bytes  # noqa: PLC0415

    started = time.perf_counter()
    worker = worker_make(
        ["flights"], ingest=settings.INGEST, kafka=settings.KAFKA, limits=RunLimits(max_records=count)
    )
    moved = worker.run()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rows": moved.rows, "peak_bytes": own_peak_bytes()}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
