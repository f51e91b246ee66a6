"""The table of export formats: each row is complete, and has an address and a place in the guide of its own."""

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


def view_of(address: str) -> Any:
    """The class of the view that the address leads to."""
    view: Any = resolve(address).func
    return view.view_class


@pytest.mark.parametrize("facet", ["suffix", "name", "operation_id", "media_type"])
def test_no_two_formats_share(facet: str) -> None:
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
def test_an_address_leads_to_its_format_and_to_no_other(export_format: ExportFormat) -> None:
    address = f"/api/v1/datasets/flights/records.{export_format.suffix}"
    assert view_of(address).export_format is export_format
    for other in (f"{address}x", f"{address}/", address.upper().replace("/API/V1/DATASETS", "/api/v1/datasets")):
        assert view_of(other) is NotFoundView


@each_format
def test_the_guide_tells_of_every_format(export_format: ExportFormat) -> None:
    assert f"| `/api/v1/datasets/{{name}}/records.{export_format.suffix}` |" in GUIDE
    assert f"**{export_format.name}**" in GUIDE
