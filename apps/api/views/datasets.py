"""The datasets that a key reaches, and what can be asked of each."""

from typing import Any, Final

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from apps.api.access.selectors import Access, Action, accesses
from apps.api.access.surface import ID
from apps.api.openapi.described import NAME, described
from apps.api.openapi.schemas import ref
from apps.api.records.core.query import order_text
from apps.api.views.base import ApiView, caller, dataset_path, json_response, with_access
from apps.api.views.media_types import JSON

UNREADABLE: Final = "Its contract cannot be read by this version of Andén: its addresses answer 503 for now."


class Datasets(ApiView):
    """The list of datasets."""

    operation = "datasets"

    @described(
        "listDatasets",
        "The datasets that the key reaches",
        answers={200: (JSON, ref("Datasets"))},
        errors=(401, 503),
    )
    def get(self, request: Request) -> HttpResponse:
        """Datasets that the key reaches."""
        found = [
            _summary(access.applied.name, access.applied.contract.description, access.actions)
            if isinstance(access, Access)
            else _summary(access.name, UNREADABLE, access.actions)
            for access in accesses(caller(request))
        ]
        return json_response(msgspec.json.encode({"datasets": found}))


class Dataset(ApiView):
    """One dataset."""

    operation = "dataset"

    @described(
        "getDataset",
        "One dataset: its fields, filters and orders",
        answers={200: (JSON, ref("Dataset"))},
        errors=(401, 404, 503),
        parameters=(NAME,),
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """What the key may see of a dataset, and by what it may filter and order."""
        return json_response(msgspec.json.encode(with_access(request, name, _description)))


def _summary(name: str, description: str, actions: frozenset[Action]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "actions": sorted(actions),
        "url": dataset_path(name),
        "records": f"{dataset_path(name)}/records",
    }


def _description(access: Access) -> dict[str, Any]:
    contract, surface = access.applied.contract, access.surface
    visible = surface.names
    return {
        **_summary(access.applied.name, contract.description, access.actions),
        "version": contract.version,
        "mode": contract.mode.value,
        "writes": contract.api_writes and "write" in access.actions,
        "key": [name for name in contract.key if name in visible],
        "event_time": contract.event_time if contract.event_time in visible else None,
        "fields": [
            {
                "name": field.name,
                "type": field.type.sql,
                "required": field.required,
                "description": field.description,
            }
            for field in surface.fields
        ],
        "filters": list(surface.filterable),
        "orders": [ID, *(order_text(order) for order in surface.orders)],
    }
