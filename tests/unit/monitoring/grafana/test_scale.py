"""200 dashboards, 1,000 rules, 20 folders: the second sync writes nothing and reads no more than necessary."""

import time
from collections import Counter

from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.services import dashboards_plan, dashboards_sync
from apps.monitoring.grafana.sync.objects import ObjectKind
from tests.fakes.grafana.grafana import FakeGrafana
from tests.fakes.grafana.server import serving
from tests.grafana_documents import MemorySyncHistory, manifest, many, run_on

FOLDERS, DASHBOARDS, RULES = 20, 200, 1_000


def test_a_large_installation_is_synced_once() -> None:
    wanted = manifest(many(folders=FOLDERS, dashboards=DASHBOARDS, rules=RULES))
    kinds = Counter(item.key.kind for item in wanted.objects)
    assert (kinds[ObjectKind.FOLDER], kinds[ObjectKind.RULE_GROUP]) == (FOLDERS, RULES // 20)
    fake, history = FakeGrafana(), MemorySyncHistory()
    with serving(fake) as url:
        run = run_on(fake, history, client=GrafanaApiClient(url, "fake-token", retry=RequestRetryPolicy()))
        took: dict[str, float] = {}
        for name in ("first sync", "second sync", "plan"):
            fake.forget()
            begun = time.perf_counter()
            planned = dashboards_plan(run, wanted) if name == "plan" else dashboards_sync(run, wanted)
            took[name] = time.perf_counter() - begun
            print(f"{name}: {len(fake.requests)} requests, {len(fake.writes)} writes, {took[name]:.2f} s")  # noqa: T201 - the figures
            if name == "first sync":
                # One write per object, plus two for the annotation.
                assert len(fake.writes) == len(wanted.objects) + 2
                continue
            assert fake.writes == []
            assert planned.actions == ()
    # Each dashboard, group and data source once, and at most a dozen lists.
    bodies = kinds[ObjectKind.DASHBOARD] + kinds[ObjectKind.RULE_GROUP] + kinds[ObjectKind.DATA_SOURCE]
    assert len(fake.requests) <= bodies + 12
    assert len(fake.data.rules) == RULES
