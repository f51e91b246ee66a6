"""`python -m tests.fakes.grafana`: an in-memory Grafana, to try the commands against."""

import argparse
import signal
import sys

from tests.fakes.grafana.grafana import TOKEN, FakeGrafana
from tests.fakes.grafana.server import serving


def main() -> None:
    """Print the variables to export, then serve until stopped."""
    parser = argparse.ArgumentParser(description="An in-memory Grafana: the API without the UI.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free port)")
    port = parser.parse_args().port
    leave = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, leave)  # before any thread starts, so that no thread receives it
    try:
        with serving(FakeGrafana(), port) as url:
            print(f"export ANDEN_GRAFANA_URL={url} ANDEN_GRAFANA_TOKEN={TOKEN}", flush=True)  # noqa: T201
            signal.sigwait(leave)
    except OSError as error:
        sys.exit(f"port {port} cannot be used ({error.strerror}): name another with --port")


if __name__ == "__main__":
    main()
