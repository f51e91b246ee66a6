"""A 503 of /readyz is not logged; any other 5xx is."""

import logging

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.log import log_response


@pytest.mark.parametrize(
    ("path", "status", "lines"),
    [("/readyz", 503, 0), ("/readyz", 500, 1), ("/api/v1/flights", 503, 1), ("/readyz/x", 503, 1)],
)
def test_only_not_ready_is_not_logged(caplog: pytest.LogCaptureFixture, path: str, status: int, lines: int) -> None:
    request = RequestFactory().get(path)
    with caplog.at_level(logging.INFO):
        log_response("%s: %s", "message", path, response=HttpResponse(status=status), request=request)
    assert len(caplog.records) == lines
