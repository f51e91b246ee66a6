"""The Kafka client id, by which workers in a group recognise which database each writes to."""

from collections.abc import Iterable
from typing import Final

from apps.ingest.core.records import GroupMember

PREFIX: Final = "anden"


def client_id(database: str) -> str:
    """The client id of workers of this database; just the prefix if the database's identity is unknown."""
    return f"{PREFIX}-{database}" if database else PREFIX


def foreign_workers(members: Iterable[GroupMember], own: str) -> list[GroupMember]:
    """The members that write to another database, without those whose database is unknown."""
    return [member for member in members if member.client_id.startswith(f"{PREFIX}-") and member.client_id != own]


def other_clients(members: Iterable[GroupMember]) -> list[GroupMember]:
    """The members that are not Andén workers, judged by their client ids."""
    return [
        member for member in members if member.client_id != PREFIX and not member.client_id.startswith(f"{PREFIX}-")
    ]
