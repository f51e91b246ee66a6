"""Records: a page, one of them, an export, and the writes."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from apps.api.core.errors import BodyNotJson, BodyTooLarge
from apps.api.records import record_item, records_csv, records_page
from apps.api.views.base import ApiView, caller, dataset_path, json_response, pairs, with_access
from apps.api.writes import Change, Method, Written, record_write

CSV = "text/csv; charset=utf-8; header=present"
JSON_BODIES = frozenset({"application/json", "application/merge-patch+json"})


class Records(ApiView):
    """The records of a dataset."""

    def get(self, request: Request, name: str) -> HttpResponse:
        """A page of records, and where the next one is."""
        asked = pairs(request)
        page = with_access(request, name, lambda access: records_page(access, asked))
        url = _next_url(request, asked, page.cursor) if page.cursor else None
        # The body is what PostgreSQL wrote; an address holds nothing that JSON would have to escape.
        following = f'"{url}"' if url else "null"
        response = json_response(f'{{"records":[{",".join(page.records.records)}],"next":{following}}}')
        if url:
            response["Link"] = f'<{url}>; rel="next"'
        return response

    def post(self, request: Request, name: str) -> HttpResponse:
        """The record that was made."""
        written = _write(request, "POST", name, None)
        response = _answer(written)
        response["Location"] = f"{dataset_path(name)}/records/{written.record_id}"
        return response


class Record(ApiView):
    """One record."""

    def get(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The record with this `_id`."""
        asked = pairs(request)
        item = with_access(request, name, lambda access: record_item(access, record_id, asked))
        response = json_response(item.body)
        response["ETag"] = item.etag
        return response

    def put(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The record, replaced or made."""
        return _answer(_write(request, "PUT", name, record_id))

    def patch(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The record with the fields that were sent replaced."""
        return _answer(_write(request, "PATCH", name, record_id))

    def delete(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """Nothing: the record is gone."""
        _write(request, "DELETE", name, record_id)
        return HttpResponse(status=204)


class RecordsCsv(ApiView):
    """The records of a dataset as one CSV file."""

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """All records that fulfil the filters, streamed; a connection that breaks off means a broken file."""
        asked = pairs(request)
        export = with_access(request, name, lambda access: records_csv(access, asked))
        if request.method == "HEAD":
            export.close()
            response: HttpResponseBase = HttpResponse(content_type=CSV)
        else:
            response = StreamingHttpResponse(export, content_type=CSV)
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.csv") or ""
        response["Cache-Control"] = "private, no-store"
        return response


def _write(request: Request, method: Method, name: str, record_id: str | None) -> Written:
    tags = request.headers.get("If-Match")
    change = Change(
        method=method,
        body=b"" if method == "DELETE" else _body(request),
        record_id=record_id,
        if_match=None if tags is None else frozenset(tag.strip() for tag in tags.split(",")),
        worker=f"api:{caller(request).name}",
        today=timezone.now().date(),
    )
    return with_access(request, name, lambda access: record_write(access, change))


def _body(request: Request) -> bytes:
    """The body, read at most to its limit. Raises BodyNotJson, BodyTooLarge."""
    if (request.content_type or "").partition(";")[0].strip().lower() not in JSON_BODIES:
        raise BodyNotJson
    limit = settings.API.max_body_bytes
    body: bytes = request._request.read(limit + 1)  # noqa: SLF001  DRF's own stream is for its parsers
    if len(body) > limit:
        raise BodyTooLarge(f"the body is larger than {limit} bytes")
    return body


def _answer(written: Written) -> HttpResponse:
    response = json_response(written.body, status=201 if written.created else 200)
    response["ETag"] = written.etag
    return response


def _next_url(request: Request, asked: list[tuple[str, str]], cursor: str) -> str:
    query = urlencode([*((name, text) for name, text in asked if name != "cursor"), ("cursor", cursor)])
    return request.build_absolute_uri(f"?{query}")
