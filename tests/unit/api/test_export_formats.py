"""Every export format is complete, has its own URL and is documented."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve

from apps.api.exports.formats import EXPORT_FORMATS, ExportFormat
from apps.api.views.base import NotFoundView
from apps.datasets.core.document.odcs import contract_from_odcs
from tests.unit.api.shapes import every_type

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "api.md").read_text()
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")

each_format = pytest.mark.parametrize("export_format", EXPORT_FORMATS, ids=lambda one: one.suffix)


def view_of(path: str) -> Any:
    """The view class that the path resolves to."""
    view: Any = resolve(path).func
    return view.view_class


@pytest.mark.parametrize("facet", ["suffix", "name", "operation_id", "media_type"])
def test_formats_do_not_share_a_facet(facet: str) -> None:
    assert len({getattr(one, facet) for one in EXPORT_FORMATS}) == len(EXPORT_FORMATS) > 0


@each_format
def test_a_format_has_every_facet(export_format: ExportFormat) -> None:
    assert re.fullmatch("[a-z][a-z0-9]*", export_format.suffix)
    assert export_format.name.strip() == export_format.name != ""
    assert export_format.operation_id.isidentifier()
    assert MEDIA_TYPE.fullmatch(export_format.media_type)
    assert export_format.content_type.startswith(export_format.media_type)
    assert re.fullmatch(r"COPY \(.*<rows>.*\) TO STDOUT \(.+\)", export_format.copy.format(rows="<rows>"))


@each_format
def test_a_format_has_a_cell_for_every_type(export_format: ExportFormat) -> None:
    for field in contract_from_odcs(every_type()).fields:
        assert 't."column"' in export_format.cell(field.type, 't."column"'), field.type.sql


@each_format
def test_a_url_resolves_only_to_its_own_format(export_format: ExportFormat) -> None:
    path = f"/api/v1/datasets/flights/records.{export_format.suffix}"
    assert view_of(path).export_format is export_format
    for other in (f"{path}x", f"{path}/", path.upper().replace("/API/V1/DATASETS", "/api/v1/datasets")):
        assert view_of(other) is NotFoundView


@each_format
def test_the_guide_documents_every_format(export_format: ExportFormat) -> None:
    assert f"| `/api/v1/datasets/{{name}}/records.{export_format.suffix}` |" in GUIDE
    assert f"**{export_format.name}**" in GUIDE
