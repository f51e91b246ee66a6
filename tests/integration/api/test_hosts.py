"""A host that is not ours is refused before any view, and the API says so as it says everything."""

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
        "/api/problems#request-refused",
        "the header Host names no host of this station",
    )
    assert told["instance"].endswith(answer["X-Request-ID"])
    assert host not in answer.content.decode()


def test_a_foreign_host_gets_a_page_elsewhere() -> None:
    answer = Client().get("/admin/login/", headers={"host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (400, "text/html")
