"""The API's description: the OpenAPI document, its page, and the kinds of problems."""

from functools import cache
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from apps.api.problems import PROBLEMS


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the generic addresses: the same for every key."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. Open to all: it names no dataset."""
    return HttpResponse(msgspec.json.encode(openapi_document()), content_type="application/json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The page on which the API can be read and tried."""
    return render(request, "api/docs.html")


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """The kinds of problems, as `type` refers to them."""
    kinds = {problem.slug: {"title": problem.title, "status": problem.status} for problem in PROBLEMS.values()}
    return HttpResponse(msgspec.json.encode(kinds), content_type="application/json")
