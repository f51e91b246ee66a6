"""Requests for a dataset whose stored contract this version cannot read."""

import pytest

from apps.api.clients.services import GrantRequest
from apps.api.errors import ClientInvalid
from apps.api.exports.formats import EXPORT_FORMATS
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.integration.api.conftest import Connect
from tests.integration.datasets.test_unreadable import BROKEN, spoil
from tests.station import Station


@pytest.mark.parametrize("how", ["a later type", "no JSON", "another name"])
def test_it_returns_contract_unreadable_and_other_datasets_still_work(
    flights: AppliedDataset, persons: AppliedDataset, station: Station, connect: Connect, how: str
) -> None:
    http = connect(GrantRequest("flights"), GrantRequest("persons", may_write=True))
    spoil(station, "persons", BROKEN[how])
    listed = http.get("/api/v1/datasets").json()["datasets"]
    assert [item["name"] for item in listed] == ["flights", "persons"]
    assert "cannot read" in listed[1]["description"]
    for path in ("", "/records", *(f"/records.{one.suffix}" for one in EXPORT_FORMATS), "/records/x"):
        response = http.get(f"/api/v1/datasets/persons{path}")
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        problem = response.json()
        assert problem["type"] == "/api/problems#contract-unreadable"
        assert not {"vector", "properties", "JSON"} & set(problem["detail"].split())
    for path, status in (("", 200), ("/records", 200), ("/records/x", 404)):
        assert http.get(f"/api/v1/datasets/flights{path}").status_code == status
    assert http.get("/api/openapi.json").status_code == 200
    assert http.get("/api/problems").json()["contract-unreadable"]["status"] == 503
    with pytest.raises(ClientInvalid, match="cannot read"):
        connect(GrantRequest("persons"))
