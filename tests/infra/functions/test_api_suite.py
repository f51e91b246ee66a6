"""The tests of the API, once more, each request an event of an API Gateway."""

import re
from collections.abc import Callable

import pytest

from tests.infra.children import Child


@pytest.mark.property(14)
@pytest.mark.timeout(600)
def test_the_apis_tests_pass_through_gateway_events(through_gateway: Child, evidence: Callable[[str], None]) -> None:
    """`pytest tests/integration/api --through gateway`; without the option the same tests go by WSGI."""
    code, said = through_gateway.done()
    assert code == 0, said[-8000:]
    passed = re.search(r"(\d+) passed", said)
    events = re.search(r"(\d+) events of the gateway", said)
    assert passed, said
    assert events, said
    assert "skipped" not in said
    assert int(events[1]) > int(passed[1]) > 100
    evidence(f"{passed[1]} tests of the API pass through the gateway as by WSGI: {int(events[1]):,} events")
