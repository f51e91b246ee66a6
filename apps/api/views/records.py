"""Views of records: pages, single records and writes."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from apps.api.errors import BodyTooLarge, ContentEncodingUnsupported, MediaTypeUnsupported
from apps.api.metrics import RECORDS
from apps.api.openapi.operations import (
    CURSOR,
    FIELDS,
    FILTERS,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    NAME,
    ORDER,
    READ_ERRORS,
    RECORD_ID,
    WRITE_ERRORS,
    document_operation,
)
from apps.api.openapi.schemas import ref
from apps.api.records.core.preconditions import parse_preconditions
from apps.api.records.reading import record_item, records_page
from apps.api.records.writes import Method, WriteRequest, WriteResult, record_write
from apps.api.views.base import ApiView, caller, dataset_path, json_response, pairs, with_access
from apps.api.views.media_types import JSON, MERGE_PATCH, media_type
from apps.telemetry import prometheus

PATCH_TYPES = (MERGE_PATCH, JSON)


class RecordListView(ApiView):
    """The records of a dataset."""

    operation = "list"

    @document_operation(
        "listRecords",
        "List records",
        responses={200: (JSON, ref("Records"))},
        errors=READ_ERRORS,
        parameters=(NAME, FIELDS, ORDER, LIMIT, CURSOR, FILTERS),
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """A page of records and the URL of the next one."""
        parameters = pairs(request)
        page = with_access(request, name, lambda access: records_page(access, parameters))
        prometheus.counter(RECORDS).labels(name).inc(len(page.records.records))
        url = _next_url(request, parameters, page.cursor) if page.cursor else None
        # PostgreSQL encoded the records; a URL contains nothing that JSON must escape.
        next_json = f'"{url}"' if url else "null"
        response = json_response(f'{{"records":[{",".join(page.records.records)}],"next":{next_json}}}')
        if url:
            response["Link"] = f'<{url}>; rel="next"'
        return response

    @document_operation(
        "createRecord",
        "Create a record",
        responses={201: (JSON, ref("Record"))},
        errors=WRITE_ERRORS,
        parameters=(NAME,),
        body={JSON: "NewRecord"},
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """The created record."""
        written = _write(request, "POST", name, None)
        response = _response(written)
        response["Location"] = f"{dataset_path(name)}/records/{written.record_id}"
        return response


class RecordDetailView(ApiView):
    """One record."""

    operation = "record"

    @document_operation(
        "getRecord",
        "Get a record",
        responses={200: (JSON, ref("Record"))},
        errors=READ_ERRORS,
        parameters=(NAME, RECORD_ID, FIELDS),
    )
    def get(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The record with this `_id`."""
        parameters = pairs(request)
        item = with_access(request, name, lambda access: record_item(access, record_id, parameters))
        response = json_response(item.body)
        response["ETag"] = item.etag
        return response

    @document_operation(
        "putRecord",
        "Replace or create a record",
        responses={200: (JSON, ref("Record")), 201: (JSON, ref("Record"))},
        errors=WRITE_ERRORS,
        parameters=(NAME, RECORD_ID, IF_MATCH, IF_NONE_MATCH),
        body={JSON: "NewRecord"},
    )
    def put(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The replaced or created record."""
        return _response(_write(request, "PUT", name, record_id))

    @document_operation(
        "patchRecord",
        "Update a record: replace fields or merge them",
        responses={200: (JSON, ref("Record"))},
        errors=WRITE_ERRORS,
        parameters=(NAME, RECORD_ID, IF_MATCH, IF_NONE_MATCH),
        body={MERGE_PATCH: "RecordMergePatch", JSON: "NewRecord"},
    )
    def patch(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The updated record: sent fields replaced, or merged as a JSON merge patch (RFC 7396)."""
        return _response(_write(request, "PATCH", name, record_id))

    @document_operation(
        "deleteRecord",
        "Delete a record",
        responses={204: (JSON, None)},
        errors=WRITE_ERRORS,
        parameters=(NAME, RECORD_ID, IF_MATCH, IF_NONE_MATCH),
    )
    def delete(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """No content."""
        _write(request, "DELETE", name, record_id)
        return HttpResponse(status=204)


def _write(request: Request, method: Method, name: str, record_id: str | None) -> WriteResult:
    body_type = None if method == "DELETE" else _body_type(request)
    change = WriteRequest(
        method=method,
        body=b"" if body_type is None else _body(request),
        record_id=record_id,
        preconditions=parse_preconditions(request.headers.get("If-Match"), request.headers.get("If-None-Match")),
        worker=f"api:{caller(request).name}",
        today=timezone.now().date(),
        merge=body_type == MERGE_PATCH,
    )
    return with_access(request, name, lambda access: record_write(access, change))


def _body_type(request: Request) -> str:
    """The media type of the body. Raises MediaTypeUnsupported, ContentEncodingUnsupported."""
    supported = PATCH_TYPES if request.method == "PATCH" else (JSON,)
    body_type = media_type(request.content_type or "", supported)
    if body_type is None:
        raise MediaTypeUnsupported(supported)
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise ContentEncodingUnsupported
    return body_type


def _body(request: Request) -> bytes:
    """The body, read up to the size limit. Raises BodyTooLarge."""
    limit = settings.API.max_body_bytes
    declared = request.META.get("CONTENT_LENGTH", "")
    # If Content-Length exceeds the limit, reject without reading.
    too_large = declared.isdigit() and int(declared) > limit
    body: bytes = b"" if too_large else request._request.read(limit + 1)  # noqa: SLF001  DRF's stream is for its parsers
    if too_large or len(body) > limit:
        raise BodyTooLarge(f"the body exceeds {limit} bytes")
    return body


def _response(written: WriteResult) -> HttpResponse:
    response = json_response(written.body, status=201 if written.created else 200)
    response["ETag"] = written.etag
    return response


def _next_url(request: Request, parameters: list[tuple[str, str]], cursor: str) -> str:
    query = urlencode([*((name, text) for name, text in parameters if name != "cursor"), ("cursor", cursor)])
    return request.build_absolute_uri(f"?{query}")
