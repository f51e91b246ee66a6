"""Every request of these tests reaches the API's Lambda function as a gateway event."""

import pytest

from functions.gateway import Event
from tests.gateway import Gateway
from tests.integration.api.conftest import Visit


def test_the_apis_tests_pass_through_gateway_events(
    gateway: Gateway, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []

    def record(event: Event) -> Event:
        events.append(event)
        return event

    monkeypatch.setattr(gateway, "change", record)
    assert visit("a key").get("/api/problems").status_code == 200
    (event,) = events
    assert (event["rawPath"], event["headers"]["authorization"]) == ("/api/problems", "Bearer a key")
