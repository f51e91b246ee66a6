"""If-Match and If-None-Match: alone, combined, and with concurrent writes."""

import json
import uuid
from base64 import urlsafe_b64encode
from functools import partial
from typing import Any

import pytest

from apps.api.clients.services import GrantRequest
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.integration.api.test_races import concurrently

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
PERSON = {"given_name": "Ada", "family_name": "Lovelace"}
STALE = (412, "/api/problems#precondition-failed")


@pytest.fixture
def http(persons: AppliedDataset, connect: Connect) -> Http:
    return connect(GrantRequest("persons", may_write=True))


def created(http: Http) -> Any:
    return http.post(PATH, json.dumps({"person_id": str(uuid.uuid4()), **PERSON}), content_type=JSON)


def put(http: Http, url: str, name: str, **headers: str) -> Any:
    return http.put(url, json.dumps({**PERSON, "given_name": name}), content_type=JSON, headers=headers)


def status_and_type(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"]


def test_put_with_if_none_match_never_replaces_a_record(http: Http) -> None:
    url = created(http)["Location"]
    assert status_and_type(put(http, url, "Eve", **{"If-None-Match": "*"})) == STALE
    assert http.get(url).json()["given_name"] == "Ada"
    http.delete(url)
    assert put(http, url, "Eve", **{"If-None-Match": "*"}).status_code == 201
    assert status_and_type(put(http, url, "Mallory", **{"If-None-Match": "*"})) == STALE
    assert http.get(url).json()["given_name"] == "Eve"


@pytest.mark.parametrize("was_there", [False, True])
def test_only_one_of_many_conditional_puts_creates_the_record(http: Http, was_there: bool) -> None:
    key = json.dumps([str(uuid.uuid4())])
    url = f"{PATH}/k{urlsafe_b64encode(key.encode()).rstrip(b'=').decode()}"
    if was_there:
        url = created(http)["Location"]
        http.delete(url)
    responses = concurrently([partial(put, http, url, f"n{n}", **{"If-None-Match": "*"}) for n in range(16)])
    assert sorted(response.status_code for response in responses) == [201] + [412] * 15
    winner = next(response.json() for response in responses if response.status_code == 201)
    assert http.get(url).json() == winner


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": '"1"'}, 412),
        ({"If-None-Match": 'W/"1"'}, 412),
        ({"If-None-Match": '"7", "1"'}, 412),
        ({"If-None-Match": '"2"'}, 200),
        ({"If-Match": '"1"', "If-None-Match": "*"}, 412),
        ({"If-Match": '"1"', "If-None-Match": '"2"'}, 200),
        ({"If-Match": '"2"', "If-None-Match": '"2"'}, 412),
        ({"If-Match": 'W/"1"'}, 412),
        ({"If-Match": ""}, 412),
        ({"If-None-Match": ""}, 200),
    ],
)
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_every_write_respects_its_preconditions(http: Http, method: str, headers: dict[str, str], status: int) -> None:
    url = created(http)["Location"]
    if method == "delete":
        response = http.delete(url, headers=headers)
        status = 204 if status == 200 else status
    else:
        response = getattr(http, method)(url, json.dumps(PERSON), content_type=JSON, headers=headers)
    assert response.status_code == status
    tag = http.get(url).headers.get("ETag")
    assert tag == ({200: '"2"', 204: None, 412: '"1"'}[status])


@pytest.mark.parametrize(
    "sent", ['*, "1"', '"1", *', "1", '"1" "2"', '"1', "*,*", 'w/"1"', f"a,{' ' * 8000},b", '"1",' * 3000]
)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_malformed_precondition_is_rejected(http: Http, header: str, sent: str) -> None:
    existing = created(http)
    body = json.dumps({"person_id": str(uuid.uuid4()), **PERSON})
    for response in (
        http.delete(existing["Location"], headers={header: sent}),
        put(http, existing["Location"], "Eve", **{header: sent}),
        http.post(PATH, body, content_type=JSON, headers={header: sent}),
    ):
        assert status_and_type(response) == (400, "/api/problems#invalid-header")
        assert response.json()["parameter"] == header
    assert http.get(existing["Location"])["ETag"] == '"1"'


def test_the_error_names_the_failed_precondition(http: Http) -> None:
    existing = created(http)
    url = existing["Location"]
    details = {
        "exists": put(http, url, "Eve", **{"If-None-Match": "*"}),
        "has changed": put(http, url, "Eve", **{"If-Match": '"7"'}),
        "weak": put(http, url, "Eve", **{"If-Match": 'W/"1"'}),
        "still has": put(http, url, "Eve", **{"If-None-Match": '"1"'}),
    }
    new = {"person_id": str(uuid.uuid4()), **PERSON}
    details["does not exist, but"] = http.post(PATH, json.dumps(new), content_type=JSON, headers={"If-Match": "*"})
    for detail, response in details.items():
        assert status_and_type(response) == STALE
        assert detail in response.json()["detail"]
    http.delete(url)
    gone = put(http, url, "Eve", **{"If-Match": "*"})
    assert "does not exist, but" in gone.json()["detail"]


def test_other_errors_take_priority_over_preconditions(http: Http) -> None:
    existing = created(http)
    body = json.dumps({"person_id": existing.json()["person_id"], **PERSON})
    again = http.post(PATH, body, content_type=JSON, headers={"If-None-Match": "*"})
    assert status_and_type(again) == (409, "/api/problems#record-exists")
    http.delete(existing["Location"])
    for response in (
        http.patch(existing["Location"], "{}", content_type=JSON, headers={"If-None-Match": "*"}),
        http.delete(existing["Location"], headers={"If-None-Match": "*"}),
    ):
        assert response.status_code == 404
