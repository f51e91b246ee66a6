"""The formats of records that a contract may name."""

from collections.abc import Callable
from typing import Final

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.record.record_format import RecordReader

FORMATS: Final[dict[str, Callable[[Contract], RecordReader]]] = {"json": json_reader}
"""A reader of a contract's records, by what the contract calls their format."""


def record_reader(contract: Contract) -> RecordReader:
    """The reader of the contract's records, as a topic holds them."""
    return FORMATS[contract.format](contract)
