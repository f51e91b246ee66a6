"""The API's documentation: the OpenAPI document, the Swagger page and the problem types."""

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


def _public(view: View) -> View:
    """A public, read-only view; other methods return the API's problem details."""

    @csrf_exempt
    @wraps(view)
    def respond(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problem_response(MethodNotAllowed(request.method or ""), headers={"Allow": "GET, HEAD"})
        return view(request)

    return respond


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, the same for every key."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@_public
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. Public: it names no dataset."""
    return HttpResponse(msgspec.json.encode(openapi_document()), content_type="application/json")


@_public
def docs(request: HttpRequest) -> HttpResponse:
    """The Swagger page."""
    return render(request, "api/docs.html")


@_public
def problems(request: HttpRequest) -> HttpResponse:
    """The problem types that `type` refers to."""
    kinds = {problem.slug: {"title": problem.title, "status": problem.status} for problem in PROBLEM_TYPES.values()}
    return HttpResponse(msgspec.json.encode(kinds), content_type="application/json")
