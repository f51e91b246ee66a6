"""The API conforms to its OpenAPI document: generated requests never cause a 5xx."""

import json
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from apps.api.clients.services import GrantRequest, client_create
from apps.api.exports.formats import EXPORT_FORMATS
from apps.api.views.documents import openapi_document
from apps.datasets.core.document.applied_dataset import AppliedDataset
from config.wsgi import application
from tests.gateway import Gateway
from tests.integration.api.conftest import Connect
from tests.station import Station
from tests.unit.api.shapes import every_type

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@pytest.fixture
def key(station: Station, flights: AppliedDataset, persons: AppliedDataset) -> str:
    station.apply(every_type())
    grants = [GrantRequest("flights"), GrantRequest("persons", may_write=True), GrantRequest("types", may_write=True)]
    return str(client_create("schemathesis", grants)[1])


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Make three of four requests name an existing dataset."""
    if path_parameters and "name" in path_parameters:
        names = ("flights", "persons", "types", path_parameters["name"])
        path_parameters["name"] = names[sum(map(ord, str(path_parameters["name"]))) % 4]
    return path_parameters


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_no_generated_request_causes_a_server_error(
    case: "schemathesis.Case[Any]", key: str, gateway: Gateway
) -> None:
    response = case.call(headers={"Authorization": f"Bearer {key}"}, app=gateway)
    case.validate_response(
        response, headers={"Authorization": f"Bearer {key}"}, excluded_checks=[positive_data_acceptance]
    )
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.headers["content-type"][0] == "application/problem+json"
        assert response.json()["status"] == response.status_code


def test_the_document_is_valid_openapi_with_every_path(connect: Connect, station: Station) -> None:
    document = connect().get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert list(document["paths"]) == [
        "/api/v1/datasets",
        "/api/v1/datasets/{name}",
        "/api/v1/datasets/{name}/records",
        *(f"/api/v1/datasets/{{name}}/records.{one.suffix}" for one in EXPORT_FORMATS),
        "/api/v1/datasets/{name}/records/{record_id}",
    ]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == 8 + len(EXPORT_FORMATS)
    for one in EXPORT_FORMATS:
        operation = document["paths"][f"/api/v1/datasets/{{name}}/records.{one.suffix}"]["get"]
        assert operation["operationId"] == one.operation_id
        assert operation["responses"]["200"]["content"].keys() == {one.media_type}
        assert one.name in operation["summary"]
        assert one.name in document["info"]["description"]
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def test_responses_match_the_document(flights: AppliedDataset, connect: Connect) -> None:
    document = openapi_document()
    http = connect(GrantRequest("flights"))
    for path, name in (
        ("/api/v1/datasets", "Datasets"),
        ("/api/v1/datasets/flights", "Dataset"),
        ("/api/v1/datasets/flights/records?limit=3", "Records"),
        ("/api/v1/datasets/flights/records?limit=0", "Problem"),
        ("/api/v1/datasets/nothing", "Problem"),
    ):
        shape = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(shape).validate(http.get(path).json())


def test_the_swagger_page_loads_only_local_files(station: Station, connect: Connect) -> None:
    http = connect()
    page = http.get("/api/docs").content.decode()
    assert 'data-openapi="/api/openapi.json"' in page
    links = [part.split('"')[0] for mark in ('src="', 'rel="stylesheet" href="') for part in page.split(mark)[1:]]
    assert len(links) == 4
    for link in links:
        assert link.startswith("/static/")
        response = http.get(link)
        assert response.status_code == 200
        response.close()
    assert "://" not in page


def test_the_problem_types_are_listed(station: Station, connect: Connect) -> None:
    kinds = connect().get("/api/problems").json()
    refused = connect().get("/api/v1/datasets/x").json()
    assert kinds[refused["type"].partition("#")[2]] == {"title": refused["title"], "status": 404}
