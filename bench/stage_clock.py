"""Where the time of a worker goes, measured inside its process; a call per chunk or batch costs a microsecond."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

POLL, DECODE, ENCODE, SERVER, COMMIT, OTHER = "poll", "decode", "encode", "server", "commit", "other"
STAGES: Final[Mapping[str, str]] = {
    POLL: "take the records from the Kafka client, or wait for them",
    DECODE: "decode and validate the values",
    ENCODE: "encode the rows for COPY",
    SERVER: "wait for PostgreSQL to store the rows",
    COMMIT: "write the ledger and the positions, and commit",
    OTHER: "everything else",
}
"""What a worker does in each stage, in order."""


class StageClock:
    """Seconds of the worker's thread by stage, since the last `restart`."""

    def __init__(self) -> None:
        self._spent_s: defaultdict[str, float] = defaultdict(float)
        self._began_s = time.perf_counter()

    def restart(self) -> None:
        """Begin again."""
        self._spent_s.clear()
        self._began_s = time.perf_counter()

    def read(self) -> dict[str, float]:
        """The seconds by stage; they add up to the time since the start."""
        total_s = time.perf_counter() - self._began_s
        named = {stage: self._spent_s[stage] for stage in STAGES if stage != OTHER}
        return named | {OTHER: total_s - sum(named.values())}

    def install(self) -> None:
        """Time the methods of this process's workers."""
        from apps.ingest.adapters.kafka_consumer import KafkaConsumer  # noqa: PLC0415 - after Django's setup
        from apps.ingest.adapters.postgres_store import PostgresStore  # noqa: PLC0415
        from apps.ingest.core.decoding import Decoder  # noqa: PLC0415

        self.time_method(KafkaConsumer, "poll", running=POLL, waiting=POLL)
        self.time_method(Decoder, "decode", running=DECODE, waiting=DECODE)
        self.time_method(PostgresStore, "write", running=ENCODE, waiting=SERVER)
        self.time_method(PostgresStore, "finish", running=SERVER, waiting=SERVER)
        self.time_method(PostgresStore, "commit", running=COMMIT, waiting=COMMIT)

    def time_method(self, owner: type, name: str, *, running: str, waiting: str) -> None:
        """Add the method's processor time to one stage, and the rest of its duration to another."""
        method: Callable[..., Any] = getattr(owner, name)

        @wraps(method)
        def timed(*arguments: Any, **named: Any) -> Any:
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            try:
                return method(*arguments, **named)
            finally:
                cpu_s = time.thread_time() - began_cpu_s
                self._spent_s[running] += cpu_s
                self._spent_s[waiting] += time.perf_counter() - began_s - cpu_s

        setattr(owner, name, timed)
