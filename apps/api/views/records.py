"""Records: a page, and one of them."""

from urllib.parse import urlencode

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api.records import record_item, records_page
from apps.api.views.base import ApiView, json_response, pairs, with_access


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


class Record(ApiView):
    """One record."""

    def get(self, request: Request, name: str, record_id: str) -> HttpResponse:
        """The record with this `_id`."""
        asked = pairs(request)
        item = with_access(request, name, lambda access: record_item(access, record_id, asked))
        response = json_response(item.body)
        response["ETag"] = item.etag
        return response


def _next_url(request: Request, asked: list[tuple[str, str]], cursor: str) -> str:
    query = urlencode([*((name, text) for name, text in asked if name != "cursor"), ("cursor", cursor)])
    return request.build_absolute_uri(f"?{query}")
