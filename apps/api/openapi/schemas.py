"""The parts of the OpenAPI document that drf-spectacular does not derive from the views, and its settings."""

from typing import Any, Final

from apps.api.exports.formats import EXPORT_FORMATS
from apps.api.records.core.lookups import LOOKUPS

FILES: Final = " or ".join(export_format.name for export_format in EXPORT_FORMATS)
LOOKUP_NAMES: Final = ", ".join(
    f"`{lookup.name}`{' (comma-separated)' if lookup.many else ''}{' (true or false)' if lookup.flag else ''}"
    for lookup in LOOKUPS
)
DESCRIPTION: Final = f"""
Read and write the records of the datasets that your key is granted: paginated as JSON, or exported as {FILES}.

**Authentication.** Send `Authorization: Bearer anden_<id>_<secret>` with every request. Datasets that your key
is not granted and fields that are hidden from it return the same errors as ones that do not exist.

**Filters.** `field=value`, or `field[lookup]=value` with one of {LOOKUP_NAMES}. `GET /api/v1/datasets/{{name}}`
lists the fields you can filter by. If a field is called `fields`, `order`, `limit` or `cursor`, write
`field[eq]=value`.

**Pagination.** Follow `next` until it is `null`. Every record that exists throughout is returned exactly once,
even with concurrent inserts. There is no total count, and no result is truncated silently.

**Size limits.** A page that would be too large has fewer records than `limit`, and `next` continues after the
last one. A record that is too large on its own is returned alone, without its largest fields; `_omitted` lists
them. Request one with `GET …/records/{{id}}?fields=name`. If that is still too large, the error is
`response-too-large`.

**Writes.** If the dataset accepts writes: `POST`, `PUT`, `PATCH`, `DELETE`. A record's `ETag` is its revision.
Send it as `If-Match` to change only what you have read; send `If-None-Match: *` with a `PUT` to create a record
and never replace one. `PATCH` replaces the fields you send; as `application/merge-patch+json` (RFC 7396) it
merges objects and removes members that are null. Any other media type returns 415, with the supported types in
`Accept` or `Accept-Patch`.

**Errors** are problem details (RFC 9457): `type`, `title`, `status`, `detail`, and the `parameter` or `field`
at fault.
""".strip()


def _object(description: str, required: list[str], /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "description": description, "required": required, "properties": properties}


def ref(name: str) -> dict[str, Any]:
    """A reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Final = {"type": "string"}
TEXTS: Final = {"type": "array", "items": TEXT}

SUMMARY: Final[dict[str, Any]] = {
    "name": TEXT,
    "description": TEXT,
    "actions": {
        "type": "array",
        "items": {"type": "string", "enum": ["read", "write"]},
        "description": "The actions the key may perform.",
    },
    "url": {"type": "string", "description": "The dataset's URL."},
    "records": {"type": "string", "description": "The URL of its records."},
}

SCHEMAS: Final[dict[str, Any]] = {
    "Problem": _object(
        "An error, as problem details (RFC 9457).",
        ["type", "title", "status"],
        type={"type": "string", "format": "uri-reference", "description": "The problem type."},
        title=TEXT,
        status={"type": "integer"},
        detail={"type": "string", "description": "What went wrong and what to do next."},
        instance={
            "type": "string",
            "format": "uri-reference",
            "description": "This occurrence. It ends with the request id from the X-Request-ID header.",
        },
        parameter={"type": "string", "description": "The parameter at fault."},
        field={"type": "string", "description": "The field of the body at fault."},
        reason={"type": "string", "description": "A stable code for the error in the record."},
        errors={
            "type": "array",
            "items": ref("RecordError"),
            "description": "Every error in the record, at most 20 and their number; the first is the problem itself.",
        },
    ),
    "RecordError": _object(
        "An error in the record.",
        ["detail", "reason"],
        detail=TEXT,
        field={"type": "string", "description": "The field at fault, absent for the record itself."},
        reason={"type": "string", "description": "A stable code; `more` for the number of errors left out."},
    ),
    "Datasets": _object("The datasets the key can access.", ["datasets"], datasets={
        "type": "array", "items": ref("DatasetSummary"),
    }),
    "DatasetSummary": _object("A summary of a dataset.", list(SUMMARY), **SUMMARY),
    "Dataset": _object(
        "A dataset as the key sees it.",
        [*SUMMARY, "version", "mode", "writes", "key", "event_time", "fields", "filters", "orders"],
        **SUMMARY,
        version={"type": "string", "description": "The version of the contract."},
        mode={"type": "string", "enum": ["append", "upsert"]},
        writes={"type": "boolean", "description": "Whether the key may write records."},
        key={**TEXTS, "description": "The key fields of an upsert dataset."},
        event_time={"type": ["string", "null"], "description": "The field that holds the event time."},
        fields={"type": "array", "items": ref("Field")},
        filters={**TEXTS, "description": "Fields you can filter by."},
        orders={**TEXTS, "description": "Values of `order`, each also in exact reverse; default: `_id`."},
    ),
    "Field": _object(
        "A field.",
        ["name", "type", "required", "description"],
        name=TEXT,
        type={"type": "string", "description": "The PostgreSQL type."},
        required={"type": "boolean"},
        description=TEXT,
    ),
    "Record": {
        **_object(
            "A record: its `_id` and the fields visible to the key.",
            ["_id"],
            _id={"type": "string", "description": "The primary key, opaque and URL-safe."},
            _omitted={**TEXTS, "description": "The fields too large for this response, if any."},
        ),
        "additionalProperties": True,
    },
    "NewRecord": {
        "type": "object",
        "description": "The fields of a record, as defined by the contract.",
        "additionalProperties": True,
        "example": {"given_name": "Ada", "family_name": "Lovelace"},
    },
    "RecordMergePatch": {
        "type": "object",
        "description": "A JSON merge patch (RFC 7396): objects are merged, null removes a member.",
        "additionalProperties": True,
        "example": {"preferences": {"meal": None}},
    },
    "Records": _object(
        "A page of records.",
        ["records", "next"],
        records={"type": "array", "items": ref("Record")},
        next={"type": ["string", "null"], "format": "uri", "description": "The URL of the next page."},
    ),
}  # fmt: skip

REST_FRAMEWORK: Final = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
"""For config.settings. Everything else is in the views' base class."""

SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Andén",
    "DESCRIPTION": DESCRIPTION,
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "TAGS": [
        {"name": "datasets", "description": "The datasets your key can access."},
        {"name": "records", "description": "The records of a dataset."},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [],
    "APPEND_COMPONENTS": {"schemas": SCHEMAS},
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
}
"""For config.settings. Source: drf-spectacular's settings page."""
