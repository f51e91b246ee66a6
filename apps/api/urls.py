"""URLs of the API."""

from django.urls import URLPattern, path, re_path

from apps.api.views.base import NotFoundView
from apps.api.views.datasets import DatasetDetailView, DatasetListView
from apps.api.views.documents import docs, openapi_json, problems
from apps.api.views.exports import EXPORTS
from apps.api.views.records import RecordDetailView, RecordListView

urlpatterns: list[URLPattern] = [
    path("openapi.json", openapi_json, name="openapi"),
    path("docs", docs, name="api-docs"),
    path("problems", problems, name="problems"),
    path("v1/datasets", DatasetListView.as_view()),
    path("v1/datasets/<str:name>", DatasetDetailView.as_view()),
    path("v1/datasets/<str:name>/records", RecordListView.as_view()),
    *(path(f"v1/datasets/<str:name>/records.{suffix}", view.as_view()) for suffix, view in EXPORTS.items()),
    path("v1/datasets/<str:name>/records/<str:record_id>", RecordDetailView.as_view()),
    re_path("", NotFoundView.as_view()),
]
