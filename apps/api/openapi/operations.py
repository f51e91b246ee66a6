"""What the views answer, in OpenAPI's words: decorators for their methods."""

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
    """The key as OpenAPI calls it; found by drf-spectacular through `target_class`."""

    target_class = "apps.api.access.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """A bearer token."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "anden_<id>_<secret>",
            "description": "The key that `manage.py clients create` printed.",
        }


def _text(name: str, place: Place, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", **more}, place, required=place == PATH, description=description)


NAME = _text("name", PATH, "The dataset.", minLength=1, examples=["flights"])
RECORD_ID = _text("record_id", PATH, "The record's `_id`.", minLength=1)
FIELDS = _text("fields", QUERY, "The fields to answer with, comma-separated; all of them by default.")
ORDER = _text("order", QUERY, "One of the dataset's `orders`, or its exact reverse: `-` in front of each field.")
CURSOR = _text("cursor", QUERY, "Where to go on, as `next` has it.")
IF_MATCH = _text("If-Match", HEADER, "Change the record only if its `ETag` is still this.")
IF_NONE_MATCH = _text(
    "If-None-Match", HEADER, "Write only if the record does not have this `ETag`; `*`: only if it does not exist."
)
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    QUERY,
    description="The most records of a page.",
)
FILTERS = OpenApiParameter(
    "filters",
    {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
    QUERY,
    style="form",
    explode=True,
    description="`field=value` or `field[lookup]=value`, any number of them. Lookups: "
    + "; ".join(f"`{lookup.name}` {lookup.meaning}" for lookup in LOOKUPS),
)

READ_ERRORS = (400, 401, 403, 404, 503)
WRITE_ERRORS = (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 503)


def document_operation(
    operation: str,
    summary: str,
    *,
    answers: dict[int, tuple[str, dict[str, Any] | None]],
    errors: tuple[int, ...],
    parameters: tuple[OpenApiParameter, ...] = (),
    body: Mapping[str, str] | None = None,
) -> Callable[[Method], Method]:
    """The decorator of one operation; an answer is a media type and the schema of its body, a body schemas by type."""
    responses: dict[Any, Any] = {
        (status, media) if schema else status: OpenApiResponse(schema, STATUS_TEXT.get(status, summary))
        for status, (media, schema) in answers.items()
    }
    responses |= {(status, CONTENT_TYPE): OpenApiResponse(ref("Problem"), _titles(status)) for status in errors}
    return extend_schema(
        operation_id=operation,
        summary=summary,
        tags=["records" if "Record" in operation else "datasets"],
        parameters=list(parameters),
        request={kind: ref(name) for kind, name in body.items()} if body else None,
        responses=responses,
    )


STATUS_TEXT = {201: "It is new.", 204: "It is gone."}


def _titles(status: int) -> str:
    found = dict.fromkeys(problem.title for problem in PROBLEM_TYPES.values() if problem.status == status)
    return "; ".join(found) + "."
