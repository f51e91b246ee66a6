"""Rules across the parts of a contract, above all PostgreSQL's limits."""

from collections.abc import Iterator

from apps.datasets.core.contract.contract import Contract, WriteMode
from apps.datasets.core.errors import ContractProblem

SCHEMA = "$.schema[0]"
MAX_FIELDS = 500
"""Maximum columns of a dataset; PostgreSQL's limit is 1,600, and lower for rows of wide types."""


def contract_problems(contract: Contract) -> Iterator[ContractProblem]:
    """Every cross-field rule that the contract violates."""
    yield from _fields(contract)
    yield from _key(contract)
    yield from _partitions(contract)
    yield from _orders(contract)
    yield from _filters(contract)


def _fields(contract: Contract) -> Iterator[ContractProblem]:
    path = f"{SCHEMA}.properties"
    names = [field.name for field in contract.fields]
    if not 1 <= len(names) <= MAX_FIELDS:
        yield ContractProblem(path, f"a dataset has 1 to {MAX_FIELDS} properties, this one has {len(names)}")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield ContractProblem(path, f"duplicate property {name!r}", "keep one")


def _key(contract: Contract) -> Iterator[ContractProblem]:
    path = f"{SCHEMA}.properties"
    if contract.mode is WriteMode.UPSERT and not contract.key:
        yield ContractProblem(path, "an upsert dataset needs a key", "mark its properties with primaryKey: true")
    if contract.mode is WriteMode.APPEND and contract.key:
        rule = "an append dataset is keyed by coordinates, not by primaryKey"
        yield ContractProblem(path, rule, "use mode: upsert, or remove primaryKey")
    for name in contract.key:
        kind = contract.field(name).type
        if not kind.ordered or not kind.spec.exact:
            yield ContractProblem(
                path, f"{name!r} of type {kind.sql} cannot be part of a key", "use a type with exact equality"
            )
    if contract.api_writes and contract.mode is not WriteMode.UPSERT:
        yield ContractProblem(f"{SCHEMA}.customProperties", "apiWrites requires mode: upsert", "remove it")


def _partitions(contract: Contract) -> Iterator[ContractProblem]:
    path = f"{SCHEMA}.properties"
    if contract.earliest and contract.latest and contract.earliest > contract.latest:
        yield ContractProblem(f"{SCHEMA}.customProperties", "earliest is after latest", "swap them")
    if contract.event_time is None:
        if contract.earliest or contract.latest:
            rule = "earliest and latest bound months, but no property is partitioned"
            yield ContractProblem(f"{SCHEMA}.customProperties", rule, "mark the event time with partitioned: true")
        return
    kind = contract.field(contract.event_time).type
    if kind.array or not kind.spec.event_time:
        yield ContractProblem(
            path, f"{contract.event_time!r} is partitioned but not a timestamp", "use logicalType: timestamp"
        )
    if contract.key and contract.event_time not in contract.key:
        rule = f"the key of a table partitioned by {contract.event_time!r} must include it"
        yield ContractProblem(path, rule, "add it to the key, or remove partitioned")
    for field in contract.fields:
        if field.unique and field.name != contract.event_time:
            rule = f"a table partitioned by {contract.event_time!r} cannot enforce {field.name!r} as unique"
            yield ContractProblem(path, rule, "remove unique, or partitioned")


def _orders(contract: Contract) -> Iterator[ContractProblem]:
    names = {field.name for field in contract.fields}
    for order in contract.orders:
        columns = [column.name for column in order]
        text = ",".join(columns)
        if len(set(columns)) < len(columns):
            yield ContractProblem(f"{SCHEMA}.customProperties", f"the order {text!r} names a field twice", "keep one")
        for name in columns:
            if name not in names:
                yield ContractProblem(
                    f"{SCHEMA}.customProperties", f"the order {text!r} names an unknown field {name!r}"
                )
            elif not contract.field(name).type.ordered:
                rule = f"{name!r} of type {contract.field(name).type.sql} has no order"
                yield ContractProblem(f"{SCHEMA}.customProperties", rule, "remove it from orders")


def _filters(contract: Contract) -> Iterator[ContractProblem]:
    names = {field.name for field in contract.fields}
    for name in contract.filters:
        if name not in names:
            yield ContractProblem(f"{SCHEMA}.customProperties", f"filters names an unknown field {name!r}")
        elif not contract.field(name).type.ordered:
            rule = f"{name!r} of type {contract.field(name).type.sql} cannot be indexed for a filter"
            yield ContractProblem(f"{SCHEMA}.customProperties", rule, "remove it from filters")
    for field in contract.fields:
        if field.unique and not field.type.ordered:
            yield ContractProblem(f"{SCHEMA}.properties", f"{field.name!r} of type {field.type.sql} cannot be unique")
