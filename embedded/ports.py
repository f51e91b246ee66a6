"""Free TCP ports of the loopback interface."""

import random
import socket
from collections.abc import Collection
from typing import Final

LOOPBACK: Final = "127.0.0.1"

# Below the range from which systems take the source ports of outgoing connections,
# so that no client can sit on a port between our look and the server's bind.
_RANGE: Final = range(20_000, 32_000)
_TRIES: Final = 200


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose old connections linger in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None, *, taken: Collection[int] = ()) -> int:
    """The preferred port where it is free, otherwise any free one that is not in `taken`.

    Random rather than the first free one: several test sessions look at the same time.
    """
    if preferred is not None and preferred not in taken and port_is_free(preferred):
        return preferred
    for _ in range(_TRIES):
        port = random.choice(_RANGE)  # noqa: S311 - no secret
        if port not in taken and port_is_free(port):
            return port
    raise OSError(f"no free port on {LOOPBACK} between {_RANGE.start} and {_RANGE.stop}")
