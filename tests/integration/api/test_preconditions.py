"""Which state of a record a write is for: If-Match and If-None-Match, alone, together, and at the same moment."""

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
from tests.integration.api.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
PERSON = {"given_name": "Ada", "family_name": "Lovelace"}
STALE = (412, "/api/problems#precondition-failed")


@pytest.fixture
def http(persons: AppliedDataset, connect: Connect) -> Http:
    return connect(GrantRequest("persons", may_write=True))


def made(http: Http) -> Any:
    return http.post(PATH, json.dumps({"person_id": str(uuid.uuid4()), **PERSON}), content_type=JSON)


def put(http: Http, address: str, name: str, **headers: str) -> Any:
    return http.put(address, json.dumps({**PERSON, "given_name": name}), content_type=JSON, headers=headers)


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def test_put_for_a_record_that_must_not_exist_replaces_none(http: Http) -> None:
    address = made(http)["Location"]
    assert said(put(http, address, "Eve", **{"If-None-Match": "*"})) == STALE
    assert http.get(address).json()["given_name"] == "Ada"
    http.delete(address)
    assert put(http, address, "Eve", **{"If-None-Match": "*"}).status_code == 201
    assert said(put(http, address, "Mallory", **{"If-None-Match": "*"})) == STALE
    assert http.get(address).json()["given_name"] == "Eve"


@pytest.mark.parametrize("was_there", [False, True])
def test_of_many_puts_that_must_make_the_record_one_does(http: Http, was_there: bool) -> None:
    key = json.dumps([str(uuid.uuid4())])
    address = f"{PATH}/k{urlsafe_b64encode(key.encode()).rstrip(b'=').decode()}"
    if was_there:
        address = made(http)["Location"]
        http.delete(address)
    answers = at_once([partial(put, http, address, f"n{n}", **{"If-None-Match": "*"}) for n in range(16)])
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 15
    winner = next(answer.json() for answer in answers if answer.status_code == 201)
    assert http.get(address).json() == winner


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
def test_every_write_keeps_to_its_preconditions(http: Http, method: str, headers: dict[str, str], status: int) -> None:
    address = made(http)["Location"]
    if method == "delete":
        answer = http.delete(address, headers=headers)
        status = 204 if status == 200 else status
    else:
        answer = getattr(http, method)(address, json.dumps(PERSON), content_type=JSON, headers=headers)
    assert answer.status_code == status
    tag = http.get(address).headers.get("ETag")
    assert tag == ({200: '"2"', 204: None, 412: '"1"'}[status])


@pytest.mark.parametrize(
    "sent", ['*, "1"', '"1", *', "1", '"1" "2"', '"1', "*,*", 'w/"1"', f"a,{' ' * 8000},b", '"1",' * 3000]
)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_precondition_that_cannot_be_read_is_refused(http: Http, header: str, sent: str) -> None:
    there = made(http)
    body = json.dumps({"person_id": str(uuid.uuid4()), **PERSON})
    for answer in (
        http.delete(there["Location"], headers={header: sent}),
        put(http, there["Location"], "Eve", **{header: sent}),
        http.post(PATH, body, content_type=JSON, headers={header: sent}),
    ):
        assert said(answer) == (400, "/api/problems#invalid-header")
        assert answer.json()["parameter"] == header
    assert http.get(there["Location"])["ETag"] == '"1"'


def test_a_refusal_says_which_precondition_does_not_hold(http: Http) -> None:
    there = made(http)
    address = there["Location"]
    details = {
        "exists": put(http, address, "Eve", **{"If-None-Match": "*"}),
        "has changed": put(http, address, "Eve", **{"If-Match": '"7"'}),
        "weak": put(http, address, "Eve", **{"If-Match": 'W/"1"'}),
        "still has": put(http, address, "Eve", **{"If-None-Match": '"1"'}),
    }
    new = {"person_id": str(uuid.uuid4()), **PERSON}
    details["there is no record"] = http.post(PATH, json.dumps(new), content_type=JSON, headers={"If-Match": "*"})
    for detail, answer in details.items():
        assert said(answer) == STALE
        assert detail in answer.json()["detail"]
    http.delete(address)
    gone = put(http, address, "Eve", **{"If-Match": "*"})
    assert "there is no record" in gone.json()["detail"]


def test_what_is_refused_without_preconditions_is_refused_for_the_same_reason(http: Http) -> None:
    there = made(http)
    body = json.dumps({"person_id": there.json()["person_id"], **PERSON})
    again = http.post(PATH, body, content_type=JSON, headers={"If-None-Match": "*"})
    assert said(again) == (409, "/api/problems#record-exists")
    http.delete(there["Location"])
    for answer in (
        http.patch(there["Location"], "{}", content_type=JSON, headers={"If-None-Match": "*"}),
        http.delete(there["Location"], headers={"If-None-Match": "*"}),
    ):
        assert answer.status_code == 404
