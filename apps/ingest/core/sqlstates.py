"""How to react to a PostgreSQL error: one table from SQLSTATE to reaction."""

from enum import Enum, auto
from typing import Final

CONTRACT_PREFIX: Final = "c_"
"""The prefix of constraints that come from a contract."""

PRIMARY_KEY_SUFFIX: Final = "_pkey"


class Reaction(Enum):
    """What the worker does next; outside the statements on a dataset's table, PAUSE_TABLE is WAIT."""

    QUARANTINE = auto()
    WAIT = auto()
    PAUSE_TABLE = auto()
    MAKE_PARTITION = auto()
    READ_CONTRACT = auto()
    STOP_DUPLICATE = auto()
    STOP = auto()


BY_STATE: Final = {
    "23502": Reaction.QUARANTINE,  # NULL in a NOT NULL column: the contract's required fields
    "25006": Reaction.WAIT,  # read-only: a standby, until the failover completes
    "25P03": Reaction.WAIT,  # idle in transaction for too long
    "25P04": Reaction.WAIT,  # transaction timeout
    "28000": Reaction.WAIT,  # a password or pg_hba rule that an administrator will correct
    "28P01": Reaction.WAIT,
    "3D000": Reaction.WAIT,  # the database is being restored
    "40P01": Reaction.PAUSE_TABLE,  # deadlock
    "42501": Reaction.PAUSE_TABLE,  # a privilege that an administrator will grant
    "53100": Reaction.PAUSE_TABLE,  # disk full, perhaps only this table's
    "55006": Reaction.PAUSE_TABLE,  # object in use
    "55P03": Reaction.PAUSE_TABLE,  # lock timeout: an index is built, the table is rewritten
    "57014": Reaction.PAUSE_TABLE,  # an administrator canceled the statement, or it timed out
    "58030": Reaction.PAUSE_TABLE,  # I/O error, perhaps only of this table's files
    "42703": Reaction.READ_CONTRACT,  # no such column
    "42P01": Reaction.READ_CONTRACT,  # no such table
    "42804": Reaction.READ_CONTRACT,  # a column of another type
}

BY_CLASS: Final = {
    "08": Reaction.WAIT,  # connection
    "22": Reaction.QUARANTINE,  # data
    "40": Reaction.WAIT,  # serialization
    "53": Reaction.WAIT,  # out of memory, too many connections
    "54": Reaction.QUARANTINE,  # a row or index entry larger than PostgreSQL can hold
    "57": Reaction.WAIT,  # shutdown, crash, cancel
    "58": Reaction.WAIT,  # I/O error outside PostgreSQL
}


def reaction(sqlstate: str | None, constraint: str | None) -> Reaction:
    """The reaction to this SQLSTATE and constraint; no SQLSTATE means a lost connection."""
    if sqlstate is None:
        return Reaction.WAIT
    if sqlstate == "23514":
        return _check_violated(constraint)
    if sqlstate == "23505":
        duplicate = not constraint or constraint.endswith(PRIMARY_KEY_SUFFIX)
        return Reaction.STOP_DUPLICATE if duplicate else Reaction.QUARANTINE
    return BY_STATE.get(sqlstate) or BY_CLASS.get(sqlstate[:2]) or Reaction.STOP


def _check_violated(constraint: str | None) -> Reaction:
    if not constraint:
        # PostgreSQL names no constraint if a row has no partition.
        return Reaction.MAKE_PARTITION
    return Reaction.QUARANTINE if constraint.startswith(CONTRACT_PREFIX) else Reaction.STOP
