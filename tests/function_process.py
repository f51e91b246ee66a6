"""A minimal AWS Lambda runtime: `FOLDER… HANDLER`, one event per input line, one response per output line.

Started by tests.functions with only the standard library and these folders on its path.
"""

import importlib
import json
import logging
import sys
from typing import Any


class Context:
    """Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """The full timeout of the probe's function."""
        return 25_000


def main(folders: list[str], name: str) -> None:
    """Handle events until stdin ends; the handler's output goes to the log."""
    sys.path[:0] = folders
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)  # as Lambda does
    responses, sys.stdout = sys.stdout, sys.stderr
    module, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    for line in sys.stdin:
        response: dict[str, Any]
        try:
            response = {"response": handler(json.loads(line), Context())}
        except Exception as error:  # noqa: BLE001 - Lambda, too, reports any exception as an error
            response = {"error": type(error).__name__, "message": str(error)}
        responses.write(json.dumps(response) + "\n")
        responses.flush()


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1])
