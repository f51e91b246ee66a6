"""The faults of a run, as one table."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypedDict

from tests.chaos import content_faults, database_faults, process_faults, settings_faults, topic_faults
from tests.chaos.plans import Plan
from tests.chaos.world import Causing, World

Cause = Callable[[World, Plan, random.Random], Causing]
"""Causes the fault up to its `yield`, and ends and proves it afterwards.

Raises NotPossible: it was not caused. Raises NotProven: it was caused, but its effect was not seen.
"""

KAFKA: Final = "Kafka"
POSTGRES: Final = "PostgreSQL"
WORKERS: Final = "workers"
ROLE: Final = "role"


class _Needs(TypedDict):
    needs: frozenset[str]
    brief: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault. It lasts from `hold_s[0]` to `hold_s[1]` seconds.

    A fault at a dataset has `targets`; others affect all of them. Faults at the same dataset, or that need the same
    server, do not happen at the same time; a `brief` one needs the server only until it has happened.
    """

    name: str
    cause: Cause
    hold_s: tuple[float, float] = (0.5, 2.0)
    targets: Callable[[Plan], bool] | None = None
    needs: frozenset[str] = frozenset()
    brief: bool = False


def _any(plan: Plan) -> bool:
    return plan.uses not in {"recreation", "truncation"}


def _produced(plan: Plan) -> bool:
    """Datasets whose topic may get any record."""
    return plan.uses in {"", "growth"} and plan.rate > 0


def _simple(plan: Plan) -> bool:
    """Datasets that are the only ones of their topic."""
    return plan.uses == "" and not plan.upsert and not plan.monthly and plan.topic != "events"


def _for(use: str) -> Callable[[Plan], bool]:
    return lambda plan: plan.uses == use


def _wide(plan: Plan) -> bool:
    return plan.wide and _produced(plan)


_BRIEF: Final[_Needs] = {"needs": frozenset({KAFKA}), "brief": True}
_LONG: Final = (3.0, 12.0)
FAULTS: Final = (
    Fault("SIGKILL of a worker", process_faults.worker_killed),
    Fault("SIGTERM of a worker", process_faults.worker_terminated),
    Fault("SIGSTOP of a worker", process_faults.worker_frozen, (1.0, 12.0)),
    Fault("SIGKILL of all workers", process_faults.all_workers_killed),
    Fault("a worker joins and leaves", process_faults.worker_added, (3.0, 8.0), needs=frozenset({WORKERS})),
    Fault("SIGKILL of Kafka", process_faults.kafka_killed, (0.0, 3.0), needs=frozenset({KAFKA})),
    Fault("restart of Kafka", process_faults.kafka_restarted, (0.0, 3.0), needs=frozenset({KAFKA})),
    Fault("SIGSTOP of Kafka", process_faults.kafka_frozen, (1.0, 8.0), needs=frozenset({KAFKA})),
    Fault("SIGKILL of PostgreSQL", process_faults.postgres_killed, (0.0, 3.0), needs=frozenset({POSTGRES})),
    Fault("restart of PostgreSQL", process_faults.postgres_restarted, (0.0, 3.0), needs=frozenset({POSTGRES})),
    Fault("SIGKILL of a worker's backend", process_faults.session_killed, needs=frozenset({POSTGRES})),
    Fault("pg_terminate_backend of a worker", process_faults.session_terminated, needs=frozenset({POSTGRES})),
    Fault("SIGSTOP of a worker's backend", process_faults.session_frozen, _LONG, needs=frozenset({POSTGRES})),
    Fault("partition added", topic_faults.partition_added, targets=_for("growth"), **_BRIEF),
    Fault("topic deleted, created again", topic_faults.topic_replaced, targets=_for("recreation"), **_BRIEF),
    Fault("log truncated", topic_faults.log_truncated, targets=_for("truncation"), **_BRIEF),
    Fault("records deleted by retention", topic_faults.retention, targets=_for("transactions"), **_BRIEF),
    Fault("transaction held open", topic_faults.open_transaction, _LONG, targets=_for("transactions")),
    Fault("topic denied", topic_faults.topic_denied, (3.0, 6.0), targets=_simple, **_BRIEF),
    Fault("10 % poison", content_faults.poison_tenth, (2.0, 5.0), targets=_produced),
    Fault("100 % poison", content_faults.poison_flood, (2.0, 5.0), targets=_produced),
    Fault("pattern that backtracks", content_faults.slow_pattern, (1.0, 3.0), targets=_for("pattern")),
    Fault("records of 5 to 9 MiB", content_faults.large_records, targets=_wide),
    Fault("burst of records", content_faults.burst, targets=_produced),
    Fault("header names not in UTF-8", content_faults.raw_headers, targets=_produced, **_BRIEF),
    Fault("table locked", database_faults.table_locked, _LONG, targets=_any),
    Fault("index being built", database_faults.index_built, _LONG, targets=_any),
    Fault("positions locked", database_faults.positions_locked, _LONG, targets=_any),
    Fault("INSERT revoked", database_faults.insert_revoked, (2.0, 6.0), targets=_any),
    Fault("statement timeout of 20 ms", database_faults.statements_time_out, (2.0, 5.0), needs=frozenset({ROLE})),
    Fault("database read-only", database_faults.read_only, (2.0, 5.0), needs=frozenset({ROLE})),
    Fault("no connection left", database_faults.no_connections, (2.0, 5.0), needs=frozenset({ROLE})),
    Fault("contract of a later release", settings_faults.later_contract, (1.0, 4.0), targets=_any),
    Fault("column added", settings_faults.column_added, targets=_produced),
    Fault("dataset applied and dropped", settings_faults.dataset_for_a_while, (1.0, 4.0), targets=_any),
    Fault("worker of another database", settings_faults.other_installation, (0.0, 1.0)),
)
