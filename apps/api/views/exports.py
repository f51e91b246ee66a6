"""Export views: all records of a dataset as one file, with one URL per format."""

from typing import Final

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from apps.api.exports.formats import EXPORT_FORMATS, ExportFormat
from apps.api.exports.records import records_export
from apps.api.openapi.operations import FIELDS, FILTERS, NAME, ORDER, READ_ERRORS, document_operation
from apps.api.views.base import ApiView, pairs, with_access


class RecordExportView(ApiView):
    """A dataset's records as one file."""

    operation = "export"
    export_format: ExportFormat

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """All records that match the filters, streamed. A broken connection means an incomplete file."""
        asked = pairs(request)
        export = with_access(request, name, lambda access: records_export(access, asked, self.export_format))
        if request.method == "HEAD":
            export.close()
        body = iter(()) if request.method == "HEAD" else export
        response = StreamingHttpResponse(body, content_type=self.export_format.content_type)
        filename = f"{name}.{self.export_format.suffix}"
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=filename) or ""
        response["Cache-Control"] = "private, no-store"
        return response


def _view(export_format: ExportFormat) -> type[RecordExportView]:
    """The view of one format. A separate class, because drf-spectacular distinguishes views by class."""
    get = document_operation(
        export_format.operation_id,
        f"Export all records as {export_format.name}",
        responses={200: (export_format.media_type, {"type": "string", "format": "binary"})},
        errors=READ_ERRORS,
        parameters=(NAME, FIELDS, ORDER, FILTERS),
    )
    view = type(f"Records{export_format.suffix.title()}", (RecordExportView,), {"export_format": export_format})
    return extend_schema_view(get=get)(view)


EXPORTS: Final = {export_format.suffix: _view(export_format) for export_format in EXPORT_FORMATS}
"""The views by URL suffix."""
