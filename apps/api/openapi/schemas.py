"""The parts of the OpenAPI document that do not follow from the views: settings of drf-spectacular."""

from typing import Any, Final

from apps.api.exports.formats import EXPORT_FORMATS
from apps.api.records.core.lookups import LOOKUPS

FILES: Final = " or ".join(export_format.name for export_format in EXPORT_FORMATS)
LOOKUP_NAMES: Final = ", ".join(
    f"`{lookup.name}`{' (comma-separated)' if lookup.many else ''}{' (true or false)' if lookup.flag else ''}"
    for lookup in LOOKUPS
)
DESCRIPTION: Final = f"""
Rows of the datasets that a key was granted, as JSON page by page or as one {FILES} file.

**Key.** Every request carries `Authorization: Bearer anden_<id>_<secret>`. A dataset that the key was not
granted looks like one that does not exist, a hidden field like one that does not exist.

**Filters.** `field=value`, or `field[lookup]=value` with one of {LOOKUP_NAMES}.
`GET /api/v1/datasets/{{name}}` lists the fields that can be filtered. Write `field[eq]=value` for a field called
`fields`, `order`, `limit` or `cursor`.

**Pages.** Follow `next` until it is `null`: each record that is there throughout comes exactly once, however
many arrive meanwhile. Nothing is counted, and nothing is cut off in silence.

**Sizes.** A page ends with fewer records than `limit` where more would be too large; `next` goes on behind them. A
record that is too large by itself comes alone, without its largest fields: `_omitted` names them. Ask for one by
`GET …/records/{{id}}?fields=name`; where even that is too large, the answer is the problem `response-too-large`.

**Writes.** Where a dataset takes them: `POST`, `PUT`, `PATCH`, `DELETE`. An item's `ETag` is its revision; send
it as `If-Match` to change only what you have read, `If-None-Match: *` with a `PUT` to make a record and replace none.
`PATCH` replaces the fields that are sent; as `application/merge-patch+json` (RFC 7396) it merges objects and removes
what is null. A body of another media type is answered with 415, whose `Accept` or `Accept-Patch` names those that are
taken.

**Errors** are problem details (RFC 9457): `type`, `title`, `status`, `detail`, and the `parameter` or `field`
at fault.
""".strip()


def _object(description: str, required: list[str], /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "description": description, "required": required, "properties": properties}


def ref(name: str) -> dict[str, Any]:
    """A reference to one of the schemas below."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Final = {"type": "string"}
TEXTS: Final = {"type": "array", "items": TEXT}

SUMMARY: Final[dict[str, Any]] = {
    "name": TEXT,
    "description": TEXT,
    "actions": {
        "type": "array",
        "items": {"type": "string", "enum": ["read", "write"]},
        "description": "What the key may do.",
    },
    "url": {"type": "string", "description": "Its address."},
    "records": {"type": "string", "description": "The address of its records."},
}

SCHEMAS: Final[dict[str, Any]] = {
    "Problem": _object(
        "What went wrong, as in RFC 9457.",
        ["type", "title", "status"],
        type={"type": "string", "format": "uri-reference", "description": "The kind of problem."},
        title=TEXT,
        status={"type": "integer"},
        detail={"type": "string", "description": "What to do about this one."},
        instance={
            "type": "string",
            "format": "uri-reference",
            "description": "This one: it ends with the request's id, as the header X-Request-ID does.",
        },
        parameter={"type": "string", "description": "The parameter at fault."},
        field={"type": "string", "description": "The field of the body at fault."},
        reason={"type": "string", "description": "A short stable word for what is wrong with the record."},
    ),
    "Datasets": _object("The datasets that the key reaches.", ["datasets"], datasets={
        "type": "array", "items": ref("DatasetSummary"),
    }),
    "DatasetSummary": _object("A dataset in brief.", list(SUMMARY), **SUMMARY),
    "Dataset": _object(
        "What the key may see of a dataset.",
        [*SUMMARY, "version", "mode", "writes", "key", "event_time", "fields", "filters", "orders"],
        **SUMMARY,
        version={"type": "string", "description": "The version of its contract."},
        mode={"type": "string", "enum": ["append", "upsert"]},
        writes={"type": "boolean", "description": "Whether the key may write records."},
        key={**TEXTS, "description": "The fields of the key, for upsert datasets."},
        event_time={"type": ["string", "null"], "description": "The field that says when it happened."},
        fields={"type": "array", "items": ref("Field")},
        filters={**TEXTS, "description": "Fields that can be filtered."},
        orders={**TEXTS, "description": "What `order` takes, each also exactly reversed; `_id` is the default."},
    ),
    "Field": _object(
        "A field.",
        ["name", "type", "required", "description"],
        name=TEXT,
        type={"type": "string", "description": "Its type in PostgreSQL's words."},
        required={"type": "boolean"},
        description=TEXT,
    ),
    "Record": {
        **_object(
            "A record: its `_id`, and the fields of the dataset's contract that the key may see.",
            ["_id"],
            _id={"type": "string", "description": "Its primary key in an opaque, URL-safe form."},
            _omitted={**TEXTS, "description": "The fields that are too large for this answer, if any."},
        ),
        "additionalProperties": True,
    },
    "NewRecord": {
        "type": "object",
        "description": "The fields of a record, as the dataset's contract has them.",
        "additionalProperties": True,
        "example": {"given_name": "Ada", "family_name": "Lovelace"},
    },
    "RecordMergePatch": {
        "type": "object",
        "description": "Members to merge into the record, as in RFC 7396: objects are merged, null removes.",
        "additionalProperties": True,
        "example": {"preferences": {"meal": None}},
    },
    "Records": _object(
        "A page of records.",
        ["records", "next"],
        records={"type": "array", "items": ref("Record")},
        next={"type": ["string", "null"], "format": "uri", "description": "Where the next page is."},
    ),
}  # fmt: skip

REST_FRAMEWORK: Final = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
"""For config.settings. All else stands in the views' base class."""

SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Andén",
    "DESCRIPTION": DESCRIPTION,
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "TAGS": [
        {"name": "datasets", "description": "What there is for this key."},
        {"name": "records", "description": "The rows of a dataset."},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [],
    "APPEND_COMPONENTS": {"schemas": SCHEMAS},
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
}
"""For config.settings. Source: drf-spectacular's settings page."""
