"""The shapes of data that ingest is measured with. Each is a module bench/ingest_SHAPE.py with a file of results."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.result import Result
    from bench.servers import Servers

SHAPES: Final = ("flights", "events", "busy", "upserts", "poison", "visible", "idle")
"""In the order of the results. `idle` leaves thousands of datasets behind, so it runs last."""


def measure(shape: str, running: "Servers", *, rounds: int, quick: bool) -> "list[Result]":
    """Measure one of the shapes."""
    results: list[Result] = import_module(f"bench.ingest_{shape}").measure(running, rounds=rounds, quick=quick)
    return results
