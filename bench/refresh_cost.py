"""The CPU time of a worker's refreshes, measured inside its process."""

import time
from types import TracebackType
from typing import Any, Final, Self

SHORTEST_S: Final = 0.001
"""A refresh asks PostgreSQL and Kafka, so it takes longer than this; a check that none is due takes microseconds."""


class RefreshCost:
    """Within the block, notes the CPU seconds that the process spends in each refresh, the client's threads too."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __enter__(self) -> Self:
        from apps.ingest.services.refresh import CatalogueRefresh  # noqa: PLC0415 - after Django's setup

        self._original = original = CatalogueRefresh.run_if_due

        def timed(refresh: CatalogueRefresh, assignments: Any) -> None:
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            original(refresh, assignments)
            if time.perf_counter() - began_s > SHORTEST_S:
                self.seconds.append(time.process_time() - began_cpu_s)

        # The class is patched, because the worker builds its refresh itself.
        CatalogueRefresh.run_if_due = timed  # type: ignore[assignment, method-assign]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from apps.ingest.services.refresh import CatalogueRefresh  # noqa: PLC0415 - after Django's setup

        CatalogueRefresh.run_if_due = self._original  # type: ignore[method-assign]
