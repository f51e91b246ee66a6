"""The data of a fake Grafana."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

DEFAULT_RECEIVER = "grafana-default-email"


@dataclass(slots=True)
class StoredDashboard:
    """A dashboard: newest model, folder, and every version with its message."""

    model: Json
    folder: str
    versions: list[tuple[int, str]] = field(default_factory=list)


def _contacts() -> dict[str, Json]:
    email = {
        "uid": "default",
        "name": DEFAULT_RECEIVER,
        "type": "email",
        "settings": {"addresses": "<example@email.com>"},
    }
    return {"default": {**email, "disableResolveMessage": False, "provenance": ""}}


@dataclass
class GrafanaData:
    """All objects of one organisation. The search does not return `unindexed` ones, as shortly after a save."""

    folders: dict[str, Json] = field(default_factory=dict)
    boards: dict[str, StoredDashboard] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    contacts: dict[str, Json] = field(default_factory=_contacts)
    mutes: dict[str, Json] = field(default_factory=dict)
    tree: Json = field(
        default_factory=lambda: {"receiver": DEFAULT_RECEIVER, "group_by": ["grafana_folder", "alertname"]}
    )
    rules: dict[str, Json] = field(default_factory=dict)
    intervals: dict[tuple[str, str], int] = field(default_factory=dict)
    annotations: dict[int, Json] = field(default_factory=dict)
    unindexed: set[str] = field(default_factory=set)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def next_id(self) -> int:
        """A unique id."""
        return next(self.ids)
