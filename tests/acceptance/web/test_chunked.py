"""Chunked bodies: accepted, limited and refused like bodies with a Content-Length."""

import json
import uuid
from collections.abc import Iterator

import pytest

from apps.api.clients.services import GrantRequest, client_create
from tests.acceptance.api.conftest import ROOT, served
from tests.acceptance.web.raw_http import Closed, get, line, post
from tests.station import Station

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]

PATH = "/api/v1/datasets/persons/records"
CHUNKED = "Transfer-Encoding: chunked"
LIMIT = 4096


@pytest.fixture(scope="module")
def url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with a small body limit."""
    with served({"ANDEN_API_MAX_BODY_BYTES": str(LIMIT)}, tmp_path_factory.mktemp("web") / "web.log") as running:
        yield running


@pytest.fixture
def writer(station: Station, url: str) -> tuple[str, str]:
    """The server's URL and the Authorization header of a client that writes persons."""
    station.apply(ROOT / "contracts" / "persons.yaml")
    key = client_create("writer", [GrantRequest("persons", may_write=True)])[1]
    return url, f"Authorization: Bearer {key}"


def person(**fields: object) -> str:
    return json.dumps({"person_id": str(uuid.uuid4()), "given_name": "Ada", "family_name": "King", **fields})


def chunks(body: str, size: int, *, extension: str = "") -> str:
    pieces = [body[begin : begin + size] for begin in range(0, len(body), size)]
    return "".join(f"{len(piece):x}{extension}\r\n{piece}\r\n" for piece in pieces) + "0\r\n"


def test_a_record_in_chunks_is_created(writer: tuple[str, str]) -> None:
    url, key = writer
    bodies = {
        "one chunk": chunks(person(), 10_000) + "\r\n",
        "a byte a chunk": chunks(person(), 1) + "\r\n",
        "with an extension": chunks(person(), 7, extension=";name=value") + "\r\n",
        "with a trailer": chunks(person(), 7) + "X-Sum: 1\r\n\r\n",
    }
    with line(url) as connection:
        for name, body in bodies.items():
            assert connection.ask(post(PATH, body, CHUNKED, key)).status == 201, name
        assert len(json.loads(connection.ask(get(PATH, key)).body)["records"]) == len(bodies)


def test_a_chunked_body_has_the_same_limit_as_any_other(writer: tuple[str, str]) -> None:
    url, key = writer
    fitting = person(email="a@b" + "x" * 200)
    assert len(fitting) < LIMIT
    with line(url) as connection:
        assert connection.ask(post(PATH, chunks(fitting, 100) + "\r\n", CHUNKED, key)).status == 201
        large = chunks(person(given_name="x" * LIMIT), 1000) + "\r\n"
        assert connection.ask(post(PATH, large, CHUNKED, key)).problem["type"].endswith("#body-too-large")


def test_a_body_with_a_declared_length_above_the_limit_is_refused_unread(writer: tuple[str, str]) -> None:
    url, key = writer
    with line(url) as connection:
        refused = connection.ask(post(PATH, "", f"Content-Length: {10**12}", "Expect: 100-continue", key))
        assert refused.status == 413
        assert refused.headers["connection"] == "close"
        with pytest.raises(Closed):
            connection.answer()


def test_a_client_that_still_sends_a_too_large_body_sees_the_refusal(writer: tuple[str, str]) -> None:
    url, key = writer
    size = 12 * 1024 * 1024  # more than two socket buffers hold
    with line(url) as connection:
        connection.send(post(PATH, "", f"Content-Length: {size}", key))
        connection.send(b"x" * size)
        refused = connection.answer()
        assert (refused.status, refused.headers["connection"]) == (413, "close")


def test_malformed_chunks_are_refused(writer: tuple[str, str]) -> None:
    url, key = writer
    for body in ("zz\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n"):
        with line(url) as connection:
            assert connection.ask(post(PATH, body, CHUNKED, key)).status == 400, body


def test_a_body_that_breaks_off_creates_no_record(writer: tuple[str, str]) -> None:
    url, key = writer
    with line(url) as connection:
        connection.send(post(PATH, chunks(person(), 7)[:-3], CHUNKED, key))
    with line(url) as connection:
        connection.send(post(PATH, person(), "Content-Length: 5000", key))
    with line(url) as connection:
        assert json.loads(connection.ask(get(PATH, key)).body)["records"] == []
