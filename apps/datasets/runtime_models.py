"""Django models generated from contracts at run time, one per contract version, each in its own registry."""

from typing import Any, Final

from django.apps.registry import Apps
from django.db import models

from apps.datasets.core.contract.contract import (
    AT,
    BATCH,
    DELETED,
    EXTRA,
    OFFSET,
    REV,
    SOURCE,
    Contract,
    ContractField,
)
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.table.ddl import table_sql

SYSTEM: Final[dict[str, type["models.Field[Any, Any]"]]] = {
    SOURCE: models.IntegerField,
    OFFSET: models.BigIntegerField,
    BATCH: models.BigIntegerField,
    AT: models.DateTimeField,
    REV: models.BigIntegerField,
    DELETED: models.BooleanField,
    EXTRA: models.JSONField,
}


def attribute(contract: Contract, column: str) -> str:
    """The model attribute of a column: f0, f1, … for fields, sys_source and so on for Andén's columns.

    Raises KeyError: the contract has no such column.
    """
    if column in {name for name, _ in contract.system_columns}:
        return f"sys{column}"
    for index, field in enumerate(contract.fields):
        if field.name == column:
            return f"f{index}"
    raise KeyError(column)


def model_for(dataset: AppliedDataset) -> Any:
    """The model of this version of the dataset, created once per process."""
    memo = dataset.contract.memo
    if "model" not in memo:
        memo["model"] = _model(dataset.id, dataset.version, dataset.contract)
    return memo["model"]


def _model(dataset_id: int, version: int, contract: Contract) -> type[models.Model]:
    single = contract.primary_key[0] if len(contract.primary_key) == 1 else None
    columns: dict[str, Any] = {
        attribute(contract, field.name): _field(field, primary=field.name == single) for field in contract.fields
    }
    for name, _ in contract.system_columns:
        columns[attribute(contract, name)] = SYSTEM[name](db_column=name, null=name == EXTRA)
    if single is None:
        keys = (attribute(contract, name) for name in contract.primary_key)
        columns["pk"] = models.CompositePrimaryKey(*keys)
    meta = type("Meta", (), {
        # A registry keeps its models forever: in its own registry, a model is freed with its contract.
        "apps": Apps(),
        "app_label": "datasets_runtime",
        "db_table": _table_name(contract),
        "managed": False,
    })  # fmt: skip
    name = f"Dataset{dataset_id}Version{version}"
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **columns})


def _table_name(contract: Contract) -> str:
    # Django does not quote a name that starts and ends with a quote.
    return table_sql(contract).replace("data.", '"data".', 1)


def _field(field: ContractField, *, primary: bool) -> "models.Field[Any, Any]":
    # A plain field serves every type: PostgreSQL casts the text of a parameter, and psycopg reads the result.
    return models.Field(db_column=field.name, null=not field.required, primary_key=primary)
