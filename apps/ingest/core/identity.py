"""How a worker's client tells Kafka, and so the other workers, which database it stores into."""

from collections.abc import Iterable
from typing import Final

from apps.ingest.core.records import GroupMember

PREFIX: Final = "anden"


def client_id(database: str) -> str:
    """The client's name for workers of this database; of a database without identity, the name of no database."""
    return f"{PREFIX}-{database}" if database else PREFIX


def foreign_workers(members: Iterable[GroupMember], own: str) -> list[GroupMember]:
    """The members that store into another database. A client that names none is none of them."""
    return [member for member in members if member.client_id.startswith(f"{PREFIX}-") and member.client_id != own]


def other_clients(members: Iterable[GroupMember]) -> list[GroupMember]:
    """The members that are no workers of any station, by their names."""
    return [one for one in members if one.client_id != PREFIX and not one.client_id.startswith(f"{PREFIX}-")]
