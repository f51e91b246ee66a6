"""The API's description: the OpenAPI document, its page, and the kinds of problems."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import MethodNotAllowed

from apps.api.problems import PROBLEM_TYPES, problem_response

View = Callable[[HttpRequest], HttpResponse]


def _open(view: View) -> View:
    """A view that all may read and nobody writes to: it refuses that as the rest of the API does."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problem_response(MethodNotAllowed(request.method or ""), headers={"Allow": "GET, HEAD"})
        return view(request)

    return answer


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the generic addresses: the same for every key."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@_open
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. Open to all: it names no dataset."""
    return HttpResponse(msgspec.json.encode(openapi_document()), content_type="application/json")


@_open
def docs(request: HttpRequest) -> HttpResponse:
    """The page on which the API can be read and tried."""
    return render(request, "api/docs.html")


@_open
def problems(request: HttpRequest) -> HttpResponse:
    """The kinds of problems, as `type` refers to them."""
    kinds = {problem.slug: {"title": problem.title, "status": problem.status} for problem in PROBLEM_TYPES.values()}
    return HttpResponse(msgspec.json.encode(kinds), content_type="application/json")
