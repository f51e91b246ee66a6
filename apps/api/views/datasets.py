"""Views of the datasets that a key can access."""

from typing import Any, Final

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from apps.api.access.selectors import AccessScope, Action, access_list
from apps.api.access.visible_schema import ID
from apps.api.openapi.operations import NAME, document_operation
from apps.api.openapi.schemas import ref
from apps.api.records.core.query import order_text
from apps.api.views.base import ApiView, caller, dataset_path, json_response, with_access
from apps.api.views.media_types import JSON

UNREADABLE: Final = "This version of Andén cannot read the contract: its endpoints return 503 for now."


class DatasetListView(ApiView):
    """The granted datasets."""

    operation = "datasets"

    @document_operation(
        "listDatasets",
        "List the datasets the key can access",
        responses={200: (JSON, ref("Datasets"))},
        errors=(401, 503),
    )
    def get(self, request: Request) -> HttpResponse:
        """The datasets the key can access."""
        found = [
            _summary(access.dataset.name, access.dataset.contract.description, access.actions)
            if isinstance(access, AccessScope)
            else _summary(access.name, UNREADABLE, access.actions)
            for access in access_list(caller(request))
        ]
        return json_response(msgspec.json.encode({"datasets": found}))


class DatasetDetailView(ApiView):
    """One dataset."""

    operation = "dataset"

    @document_operation(
        "getDataset",
        "Get a dataset: fields, filters, orders",
        responses={200: (JSON, ref("Dataset"))},
        errors=(401, 404, 503),
        parameters=(NAME,),
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """The dataset's visible fields, filters and orders."""
        return json_response(msgspec.json.encode(with_access(request, name, _description)))


def _summary(name: str, description: str, actions: frozenset[Action]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "actions": sorted(actions),
        "url": dataset_path(name),
        "records": f"{dataset_path(name)}/records",
    }


def _description(access: AccessScope) -> dict[str, Any]:
    contract, schema = access.dataset.contract, access.schema
    visible = schema.names
    return {
        **_summary(access.dataset.name, contract.description, access.actions),
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
            for field in schema.fields
        ],
        "filters": list(schema.filterable),
        "orders": [ID, *(order_text(order) for order in schema.orders)],
    }
