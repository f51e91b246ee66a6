"""What is refused before any view of the API, a host that is not ours first of all, is told as it tells everything."""

import pytest
from django.test import Client

from apps.api.problems import CONTENT_TYPE


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "testserver:x", "[::1"])
@pytest.mark.parametrize("path", ["/api/v1/datasets", "/api/openapi.json", "/api/nowhere"])
def test_a_foreign_host_gets_problem_details_below_the_api(path: str, host: str) -> None:
    answer = Client().get(path, headers={"host": host})
    assert (answer.status_code, answer["Content-Type"]) == (400, CONTENT_TYPE)
    told = answer.json()
    assert (told["type"], told["detail"]) == (
        "/api/problems#bad-request",
        "the header Host names no host of this station",
    )
    assert told["instance"].endswith(answer["X-Request-ID"])
    assert host not in answer.content.decode()


def test_a_foreign_host_gets_a_page_elsewhere() -> None:
    answer = Client().get("/admin/login/", headers={"host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (400, "text/html")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs", "/api/problems"])
def test_what_all_may_read_is_written_by_nobody(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (answer.status_code, answer["Content-Type"], answer["Allow"]) == (405, CONTENT_TYPE, "GET, HEAD")
    assert answer.json()["type"] == "/api/problems#method-not-allowed"
