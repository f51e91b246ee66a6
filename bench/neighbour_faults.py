"""The faults that `python -m bench.neighbours` causes at one dataset, a row of FAULTS each.

Everything else is the same on both sides: the healthy neighbour has the same contract and as many records.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bench import faulty_topics
from bench.faulty_topics import MARKED, RecordMix
from bench.worker_patches import decoder_that_fails, decoder_that_hangs, rows_without_dumper

if TYPE_CHECKING:
    from bench.servers import Servers

Step = Callable[["Servers", str], None]


def nothing(*_: object) -> None:
    """The default step of a fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and how to verify that it happened.

    The faulty records of `mix` arrive while the worker reads; alternatively `fill` creates the topic and its records
    before. `make` changes the dataset before it is read; `level` applies the same load to the baseline side if `make`
    or `fill` affects the servers. `patch` runs inside the worker. A fault either has records rejected, or stops its
    dataset with `stops` in the error, or is verified by `proof`, which raises if it did not happen.
    """

    mix: RecordMix = field(default_factory=RecordMix)
    column: Mapping[str, Any] = field(default_factory=lambda: {"name": "name", "logicalType": "string"})
    fill: Step | None = None
    make: Step = nothing
    level: Step = nothing
    patch: Callable[[], None] = nothing
    stops: str = ""
    proof: Step | None = None
    newcomer: bool = False


def _bomb(number: bytes) -> bytes:
    return b'{"id":-1,"name":{"a":[' + b",".join([number] * 1_000) + b"]}}"


def _letters(count: int) -> bytes:
    return b'{"id":-1,"name":"' + b"a" * count + b'!"}'


NONE: Final = Fault()
FAULTS: Final[dict[str, Fault]] = {
    "poison values": Fault(RecordMix(faulty=[b'{"id":"poison"}'])),
    "a header name that is not UTF-8": Fault(
        RecordMix(faulty=[b'{"id":"poison"}'], headers=((b"caf\xe9", b"1"),), raw=True)
    ),
    "a contract of a later version": Fault(make=faulty_topics.later_contract, stops="cannot read version"),
    "a row that the driver cannot send": Fault(RecordMix(faulty=[MARKED]), patch=rows_without_dumper),
    "a record that the decoder fails at": Fault(RecordMix(faulty=[MARKED]), patch=decoder_that_fails),
    "a pattern that would backtrack": Fault(
        RecordMix(faulty=[_letters(40), _letters(60_000)]),
        column={"name": "name", "logicalType": "string", "logicalTypeOptions": {"pattern": r"^(\w+\s?)*$"}},
    ),
    "numbers of 131,001 digits in jsonb": Fault(
        RecordMix(healthy=b'{"id":%d,"name":{"a":1.5}}', faulty=[_bomb(b"1e131000"), _bomb(b"1e-16000")]),
        column={"name": "name", "logicalType": "object", "physicalType": "jsonb"},
    ),
    "a topic that may not be described": Fault(make=faulty_topics.deny_describe, stops="is refused"),
    "a topic that may not be read": Fault(make=faulty_topics.deny_read, stops="is refused"),
    "a topic without a leader": Fault(
        fill=faulty_topics.leaderless, level=faulty_topics.second_broker, stops="has no leader"
    ),
    "a log that was cut": Fault(make=faulty_topics.cut, level=faulty_topics.restart, stops="was cut"),
    "marks of transactions at the end": Fault(fill=faulty_topics.marks_at_the_end, proof=faulty_topics.is_at_the_end),
    "aborted records alone": Fault(fill=faulty_topics.aborted_alone, proof=faulty_topics.is_at_the_end),
    "a worker of another database": Fault(newcomer=True),
}
HANG: Final = Fault(fill=faulty_topics.one_marked, patch=decoder_that_hangs)
"""A fault without a target: one record that kills the worker, so nothing is read until the next one starts."""
