"""SQL that keeps one record per key of an upsert dataset: the one with the highest (_at, _source, _offset)."""

from apps.datasets.core.contract.contract import (
    AT,
    BATCH,
    DELETED,
    EXTRA,
    OFFSET,
    REV,
    SOURCE,
    Contract,
    UnknownFieldsPolicy,
)
from apps.datasets.core.contract.identifiers import quote_identifier
from apps.datasets.core.table.ddl import column_list, table_sql

RANK = (AT, SOURCE, OFFSET)


def stage_columns(contract: Contract) -> tuple[str, ...]:
    """The staging columns in the order of COPY."""
    extra = (EXTRA,) if contract.unknown_fields is UnknownFieldsPolicy.KEEP else ()
    return (*(field.name for field in contract.fields), *extra, SOURCE, OFFSET, BATCH, AT, DELETED)


def stage_sql(contract: Contract, stage: str) -> str:
    """The session's temporary table that a batch is copied into: the dataset's columns without its constraints.

    It is empty after each transaction.
    """
    columns = column_list(stage_columns(contract))
    return (
        f"CREATE TEMP TABLE {stage} ON COMMIT DELETE ROWS AS SELECT {columns} FROM {table_sql(contract)} WITH NO DATA"
    )


def merge_sql(contract: Contract, stage: str) -> str:
    """Merge the staging table: one row per key, in key order so that writers do not deadlock."""
    columns = stage_columns(contract)
    key = column_list(contract.key)
    rank = ", ".join(f"{quote_identifier(name)} DESC" for name in RANK)
    return (
        f"INSERT INTO {table_sql(contract)} AS old ({column_list((*columns, REV))}) "
        f"SELECT DISTINCT ON ({key}) {column_list(columns)}, 1 FROM {stage} ORDER BY {key}, {rank} "
        f"{on_conflict_sql(contract)}"
    )


def on_conflict_sql(contract: Contract) -> str:
    """The conflict clause: the newer record replaces the row (called `old`) and raises its revision."""
    key = column_list(contract.key)
    changed = [name for name in stage_columns(contract) if name not in contract.key]
    sets = ", ".join(f"{quote_identifier(name)} = excluded.{quote_identifier(name)}" for name in changed)
    rev = quote_identifier(REV)
    newer = f"({column_list(RANK, prefix='excluded.')}) > ({column_list(RANK, prefix='old.')})"
    return f"ON CONFLICT ({key}) DO UPDATE SET {sets}, {rev} = old.{rev} + 1 WHERE {newer}"
