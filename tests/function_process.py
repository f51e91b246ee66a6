"""A runtime of AWS Lambda as far as a handler sees it: `FOLDER… HANDLER`, an event a line in, an answer a line out.

Started by tests.functions with nothing of this machine on its path but the standard library.
"""

import importlib
import json
import logging
import sys
from typing import Any


class Context:
    """What Lambda tells a function of its call."""

    def get_remaining_time_in_millis(self) -> int:
        """As much as the probe's function has in the whole."""
        return 25_000


def main(folders: list[str], name: str) -> None:
    """Answer events until there are no more; what a handler prints goes to the log."""
    sys.path[:0] = folders
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)  # as Lambda does
    answers, sys.stdout = sys.stdout, sys.stderr
    module, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    for line in sys.stdin:
        answer: dict[str, Any]
        try:
            answer = {"answer": handler(json.loads(line), Context())}
        except Exception as error:  # noqa: BLE001  Lambda, too, takes whatever a handler raises for an error of the call
            answer = {"error": type(error).__name__, "said": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1])
