"""Free TCP ports of the loopback interface."""

import random
import socket
from collections.abc import Collection
from typing import Final

LOOPBACK: Final = "127.0.0.1"

# Below the ephemeral range, so that no outgoing connection takes a port between the check and the server's bind.
_RANGE: Final = range(20_000, 32_000)
_TRIES: Final = 200


def port_is_free(port: int) -> bool:
    """Whether a server could bind this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port with connections in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None, *, taken: Collection[int] = ()) -> int:
    """The preferred port if it is free, otherwise a random free one that is not in `taken`.

    Random, because several test sessions may search at the same time. Raises OSError: none is free.
    """
    if preferred is not None and preferred not in taken and port_is_free(preferred):
        return preferred
    for _ in range(_TRIES):
        port = random.choice(_RANGE)  # noqa: S311 - no secret
        if port not in taken and port_is_free(port):
            return port
    raise OSError(f"no free port on {LOOPBACK} between {_RANGE.start} and {_RANGE.stop}")
