"""The record formats that a contract may name."""

from collections.abc import Callable
from typing import Final

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.record.record_format import RecordReader

FORMATS: Final[dict[str, Callable[[Contract], RecordReader]]] = {"json": json_reader}
"""Makes the reader of a contract's records, by format name."""


def record_reader(contract: Contract) -> RecordReader:
    """The reader of the contract's records, in the topic's format."""
    return FORMATS[contract.format](contract)
