"""OpenAPI descriptions of the views' operations: a decorator for their methods, and shared parameters."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from apps.api.openapi.schemas import ref
from apps.api.problems import CONTENT_TYPE, PROBLEM_TYPES
from apps.api.records.core.lookups import LOOKUPS
from apps.api.records.core.query import DEFAULT_LIMIT, MAX_LIMIT

Method = TypeVar("Method", bound=Callable[..., Any])
Place = Literal["path", "query", "header"]
PATH: Final = "path"
QUERY: Final = "query"
HEADER: Final = "header"


class KeyAuthenticationScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of API keys. drf-spectacular finds it by `target_class`."""

    target_class = "apps.api.access.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """HTTP bearer authentication."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "anden_<id>_<secret>",
            "description": "The key printed by `manage.py clients create`.",
        }


def _text(name: str, place: Place, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", **more}, place, required=place == PATH, description=description)


NAME = _text("name", PATH, "The dataset.", minLength=1, examples=["flights"])
RECORD_ID = _text("record_id", PATH, "The record's `_id`.", minLength=1)
FIELDS = _text("fields", QUERY, "The fields to return, comma-separated; default: all.")
ORDER = _text(
    "order", QUERY, "One of the dataset's `orders` or its exact reverse. Prefix a field with `-` for descending order."
)
CURSOR = _text("cursor", QUERY, "The start of the page, taken from `next`.")
IF_MATCH = _text("If-Match", HEADER, "Change the record only if it still has this `ETag`.")
IF_NONE_MATCH = _text(
    "If-None-Match", HEADER, "Write only if the record has a different `ETag`; with `*`, only if it does not exist."
)
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    QUERY,
    description="Page size.",
)
FILTERS = OpenApiParameter(
    "filters",
    {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
    QUERY,
    style="form",
    explode=True,
    description="`field=value` or `field[lookup]=value`, repeatable. Lookups: "
    + "; ".join(f"`{lookup.name}` {lookup.meaning}" for lookup in LOOKUPS),
)

READ_ERRORS = (400, 401, 403, 404, 503)
WRITE_ERRORS = (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 503)


def document_operation(
    operation: str,
    summary: str,
    *,
    responses: dict[int, tuple[str, dict[str, Any] | None]],
    errors: tuple[int, ...],
    parameters: tuple[OpenApiParameter, ...] = (),
    body: Mapping[str, str] | None = None,
) -> Callable[[Method], Method]:
    """Decorate a view method with its OpenAPI operation.

    `responses` maps a status to a media type and a body schema, `body` a media type to a schema name.
    """
    documented: dict[Any, Any] = {
        (status, media) if schema else status: OpenApiResponse(schema, STATUS_TEXT.get(status, summary))
        for status, (media, schema) in responses.items()
    }
    documented |= {(status, CONTENT_TYPE): OpenApiResponse(ref("Problem"), _titles(status)) for status in errors}
    return extend_schema(
        operation_id=operation,
        summary=summary,
        tags=["records" if "Record" in operation else "datasets"],
        parameters=list(parameters),
        request={kind: ref(name) for kind, name in body.items()} if body else None,
        responses=documented,
    )


STATUS_TEXT = {201: "Created.", 204: "Deleted."}


def _titles(status: int) -> str:
    found = dict.fromkeys(problem.title for problem in PROBLEM_TYPES.values() if problem.status == status)
    return "; ".join(found) + "."
