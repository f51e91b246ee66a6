"""Requests rejected before any API view, such as those for a foreign host, return problem details."""

import pytest
from django.test import Client

from apps.api.problems import CONTENT_TYPE


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "testserver:x", "[::1"])
@pytest.mark.parametrize("path", ["/api/v1/datasets", "/api/openapi.json", "/api/nowhere"])
def test_a_foreign_host_gets_problem_details_below_the_api(path: str, host: str) -> None:
    response = Client().get(path, headers={"host": host})
    assert (response.status_code, response["Content-Type"]) == (400, CONTENT_TYPE)
    problem = response.json()
    assert (problem["type"], problem["detail"]) == (
        "/api/problems#bad-request",
        "the Host header does not match this instance",
    )
    assert problem["instance"].endswith(response["X-Request-ID"])
    assert host not in response.content.decode()


def test_a_foreign_host_gets_an_html_page_elsewhere() -> None:
    response = Client().get("/admin/login/", headers={"host": "evil.example"})
    assert (response.status_code, response["Content-Type"].partition(";")[0]) == (400, "text/html")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs", "/api/problems"])
def test_public_documents_are_read_only(path: str, method: str) -> None:
    response = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (response.status_code, response["Content-Type"], response["Allow"]) == (405, CONTENT_TYPE, "GET, HEAD")
    assert response.json()["type"] == "/api/problems#method-not-allowed"
