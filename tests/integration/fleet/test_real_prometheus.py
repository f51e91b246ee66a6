"""Services with OpenTelemetry's names in a real Prometheus: the default queries find the faulty one."""

import io
import json
import re
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from pydantic import HttpUrl

from apps.fleet.engine.counters import SimulatedCounters
from apps.fleet.engine.span import DAY_S
from apps.fleet.simulation import Fault, FleetSpec, SimulatedFleet
from tests.contract.fleet.prometheuses import Laid, real
from tests.pinned_fleet import PinnedFleet
from tests.station import Station

DAYS = 3
SERVICES = 12
OUTLIER = 3


def _exported(fleet: SimulatedFleet, at_s: float) -> list[Laid]:
    """What Prometheus would hold after scraping the fleet every minute of those hours."""
    counters = SimulatedCounters(fleet.services)
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for day in range(DAYS, -1, -1):
        for at in at_s - day * DAY_S + 60.0 * np.arange(-75, 1):
            counters.add(fleet.values(np.array([at]))[:, :, 0], 60)
            for series, value in counters.lines():
                found[series].append((float(at), value))
    return [
        Laid(series.partition("{")[0], dict(re.findall(r'(\w+)="([^"]*)"', series)), samples)
        for series, samples in found.items()
    ]


def test_the_default_queries_find_the_faulty_service_in_a_real_prometheus(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = float(int(time.time() // 60) * 60)
    fault = Fault(factor=4, services=(OUTLIER,), start_s=3000)
    spec = FleetSpec(services=SERVICES, days=DAYS, gaps=0.02, scale=0.3, noise=(0.05, 0.15), faults=(fault,))
    fleet = PinnedFleet(spec, 5, shown_at_s=at_s)
    with real(_exported(fleet, at_s), tmp_path) as url:
        chosen = {"source": "prometheus", "prometheus_url": HttpUrl(url), "days": DAYS}
        monkeypatch.setattr(settings, "FLEET", settings.FLEET.model_copy(update=chosen))
        out = io.StringIO()
        moment = datetime.fromtimestamp(at_s, UTC).isoformat()
        call_command("fleet", "evaluate", "--json", "--at", moment, stdout=out)
    found = json.loads(out.getvalue())
    assert found["services"]["no_data"] == 0
    assert sum(found["services"].values()) == SERVICES
    flagged = {(flag["service"], flag["signal"]) for flag in found["flags"]}
    assert {service for service, _ in flagged} == {fleet.services[OUTLIER]}
    assert (fleet.services[OUTLIER], "latency_p95") in flagged
