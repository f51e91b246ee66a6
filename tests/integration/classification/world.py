"""Datasets with a column for each classification in each nesting, and rows whose values can be recognized."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.documents import document, prop
from tests.station import Station

Mark = Mapping[str, Any]
Nesting = Callable[[str, Mark, str], tuple[dict[str, Any], Any]]
"""From a column's name, a leaf's classification and the leaf's value to the property and the column's value."""

HIDDEN: Final[dict[str, Mark]] = {
    "restricted": {"classification": "restricted"},
    "capitals": {"classification": "Restricted"},
    "confidential": {"classification": "confidential"},
    "spaces": {"classification": "  CONFIDENTIAL "},
    "pii": {"classification": "PII"},
    "number": {"classification": "5"},
    "empty": {"classification": ""},
    "nearly public": {"classification": "public-ish"},
    "not public": {"classification": "public, internal"},
    "accented": {"classification": "públic"},
    "tag": {"tags": ["finance", "PII"]},
    "tag of words": {"tags": ["contains-pii"]},
    "custom": {"customProperties": [{"property": "pii", "value": True}]},
    "custom classification": {"customProperties": [{"property": "classification", "value": "secret"}]},
    "public and tagged": {"classification": "public", "tags": ["sensitive"]},
}
PUBLIC: Final[dict[str, Mark]] = {
    "public": {"classification": "public"},
    "public in capitals": {"classification": " PUBLIC "},
    "unmarked": {},
    "other tag": {"tags": ["finance"]},
    "denied": {"customProperties": [{"property": "pii", "value": False}]},
}
NESTINGS: Final[dict[str, Nesting]] = {
    "plain": lambda name, mark, text: (prop(name, **mark), text),
    "object": lambda name, mark, text: (_object(name, _leaf(mark)), {"leaf": text, "other": 1}),
    "objects": lambda name, mark, text: (
        _object(name, _object("a", _object("b", _leaf(mark)))),
        {"a": {"b": {"leaf": text}}},
    ),
    "middle": lambda name, mark, text: (_object(name, {**_object("a", _leaf({})), **mark}), {"a": {"leaf": text}}),
    "items": lambda name, mark, text: (prop(name, "array", items={"logicalType": "string", **mark}), [text]),
    "typed items": lambda name, mark, text: (
        prop(name, "array", "text[]", items={"logicalType": "string", **mark}),
        [text],
    ),
    "objects in an array": lambda name, mark, text: (
        prop(name, "array", items={"logicalType": "object", "properties": [_leaf(mark)]}),
        [{"leaf": text}],
    ),
    "array, object, array, object": lambda name, mark, text: (
        prop(
            name,
            "array",
            items={
                "logicalType": "object",
                "properties": [
                    prop("rows", "array", items={"logicalType": "object", "properties": [_leaf(mark)]}),
                ],
            },
        ),
        [{"rows": [{"leaf": text}]}],
    ),
    "arrays": lambda name, mark, text: (
        prop(name, "array", items={"logicalType": "array", "items": {"logicalType": "string", **mark}}),
        [[text]],
    ),
}


def _leaf(mark: Mark) -> dict[str, Any]:
    return prop("leaf", **mark)


def _object(name: str, *inside: dict[str, Any]) -> dict[str, Any]:
    return prop(name, "object", properties=[*inside])


@dataclass(frozen=True, slots=True)
class Column:
    """One combination: its declaration, its value in a row, and the marker that identifies the value."""

    name: str
    declared: dict[str, Any]
    value: Any
    marker: str
    hidden: bool

    @property
    def scalar(self) -> bool:
        """Whether it can be filtered and ordered."""
        return isinstance(self.value, str)


SLOW: Final = "array, object, array, object"
"""The standard's schema takes a third of a second per such column: use every fifth mark."""


def columns() -> list[Column]:
    """A column for each mark in each nesting."""
    found = []
    marks = [*HIDDEN.values(), *PUBLIC.values()]
    pairs = [(nesting, mark) for word, nesting in NESTINGS.items() for mark in marks[:: 5 if word == SLOW else 1]]
    for number, (nesting, mark) in enumerate(pairs):
        name = f"c{number}"
        hidden = any(mark is one for one in HIDDEN.values())
        marker = f"{'hush' if hidden else 'open'}{number:04}z"
        found.append(Column(name, *nesting(name, mark, marker), marker, hidden))
    return found


COLUMNS: Final = columns()
HUSH: Final = [column for column in COLUMNS if column.hidden]
OPEN: Final = [column for column in COLUMNS if not column.hidden]
MOMENT: Final = "2021-07-08T09:10:11Z"
"""The hidden event time of `sealed`."""
KEY: Final = "hushkey"
"""The hidden key of `locked`."""


def vault() -> dict[str, Any]:
    """A writable upsert dataset with every column, and filters and orders on all that can have one."""
    names = [column.name for column in COLUMNS if column.scalar]
    return document(
        "vault",
        [prop("id", "integer", primaryKey=True), *(column.declared for column in COLUMNS)],
        physical_name="vault",
        mode="upsert",
        apiWrites=True,
        filters=names,
        orders=names,
    )


def sealed() -> dict[str, Any]:
    """An append dataset whose event time is hidden."""
    properties = [prop("at", "timestamp", partitioned=True, classification="Internal"), prop("name")]
    return document("sealed", properties, physical_name="sealed", orders=["name"], filters=["name"])


def locked() -> dict[str, Any]:
    """An upsert dataset whose key is hidden."""
    properties = [prop("key", primaryKey=True, classification="PII"), prop("name")]
    return document("locked", properties, physical_name="locked", mode="upsert", apiWrites=True)


def fill(station: Station) -> dict[str, AppliedDataset]:
    """The three datasets, with three rows each, whose values are the columns' markers."""
    datasets = {
        name: station.apply(made()) for name, made in (("vault", vault), ("sealed", sealed), ("locked", locked))
    }
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in COLUMNS)
    values = [Jsonb(c.value) if c.declared.get("physicalType") is None and not c.scalar else c.value for c in COLUMNS]
    with station.connect("ingest") as connection:
        connection.execute(
            "SELECT public.anden_ensure_months(%s, '2021-07-01', '2021-07-01')", (datasets["sealed"].id,)
        )
        for number in range(1, 4):
            connection.execute(
                sql.SQL(
                    "INSERT INTO data.vault (id, {}, _source, _offset, _batch, _at, _rev)"
                    " VALUES (%s, {}, 1, %s, 1, now(), 1)"
                ).format(names, sql.SQL(", ").join([sql.SQL("%s")] * len(values))),
                [number, *values, number],
            )
            connection.execute(
                "INSERT INTO data.sealed (at, name, _source, _offset, _batch) VALUES (%s, 'openname', 1, %s, 1)",
                (MOMENT, number),
            )
            connection.execute(
                "INSERT INTO data.locked (key, name, _source, _offset, _batch, _at, _rev)"
                " VALUES (%s, 'openname', 1, %s, 1, now(), 1)",
                (f"{KEY}{number}", number),
            )
        connection.commit()
    return datasets


def raw() -> bytes:
    """The raw record of `vault`."""
    return json.dumps({column.name: column.value for column in COLUMNS}).encode()
