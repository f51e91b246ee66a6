"""Drift lists every manual edit and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from apps.monitoring.errors import SyncRefused
from apps.monitoring.grafana.services import dashboards_drift, dashboards_plan, dashboards_sync
from apps.monitoring.grafana.sync.drift import ADOPT, MOVE
from apps.monitoring.grafana.sync.report import drift_advice, drift_lines
from tests.fakes.grafana.data import GrafanaData
from tests.fakes.grafana.grafana import FakeGrafana
from tests.grafana_documents import VALUES, MemorySyncHistory, documents, manifest, panel, rule, run_on


def model(data: GrafanaData) -> dict[str, Any]:
    return data.boards["anden-overview"].model


def edit(path: str, value: Any) -> Callable[[GrafanaData], None]:
    """An edit of the value at a dotted path of the overview dashboard."""

    def do(data: GrafanaData) -> None:
        parent: Any = model(data)
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in steps:
            parent = parent[step]
        parent[last] = value

    return do


def in_rule(**changes: Any) -> Callable[[GrafanaData], None]:
    return lambda data: data.rules["anden-lag"].update(copy.deepcopy(changes))


def in_query(data: GrafanaData) -> None:
    data.rules["anden-lag"]["data"][0]["model"]["expr"] = "min(lag)"


def in_condition(data: GrafanaData) -> None:
    data.rules["anden-lag"]["data"][1]["model"]["conditions"][0]["evaluator"]["params"] = [50]


def in_source(data: GrafanaData, **changes: Any) -> None:
    data.sources["anden-prometheus"].update(changes)


def moved(data: GrafanaData) -> None:
    data.boards["anden-overview"].folder = ""


def route(**changes: Any) -> Callable[[GrafanaData], None]:
    return lambda data: data.tree["routes"][0]["routes"][1].update(changes)


EDITS: dict[str, tuple[Callable[[GrafanaData], object], str]] = {
    "query": (
        edit("panels.0.targets.0.expr", "min(lag)"),
        'dashboard anden-overview "Overview": panels["Panel 1"].targets[A].expr: "max(lag)" → "min(lag)"',
    ),
    "threshold": (
        edit("panels.1.fieldConfig.defaults.thresholds.steps.1.value", 99),
        (
            'dashboard anden-overview "Overview": panels["Panel 2"]'
            ".fieldConfig.defaults.thresholds.steps[1].value: 10 → 99"
        ),
    ),
    "title": (edit("title", "Mine"), 'dashboard anden-overview "Overview": title: "Overview" → "Mine"'),
    "panel title": (
        edit("panels.0.title", "Mine"),
        'dashboard anden-overview "Overview": panels["Panel 1"].title: "Panel 1" → "Mine"',
    ),
    "folder": (moved, 'dashboard anden-overview "Overview": folderUid: "anden-dashboards" → nothing'),
    "unit": (edit("panels.2.fieldConfig.defaults.unit", "s"), '"short" → "s"'),
    "decimals": (edit("panels.2.fieldConfig.defaults.decimals", 0), "decimals: nothing → 0"),
    "legend": (edit("panels.0.options", {"legend": {"showLegend": False}}), "nothing → "),
    "hidden query": (edit("panels.0.targets.0.hide", True), "targets[A].hide: nothing → true"),
    "description": (edit("panels.0.description", ""), 'description: "Records behind." → nothing'),
    "position": (edit("panels.0.gridPos.w", 24), "gridPos.w: 12 → 24"),
    "a panel more": (lambda data: model(data)["panels"].append(panel(9, "Mine")), 'panels["Mine"]: nothing → '),
    "a panel less": (lambda data: model(data)["panels"].pop(0), 'panels["Panel 1"]: '),
    "variable": (edit("templating.list.0.query", "label_values(job)"), "templating.list[dataset].query"),
    "link": (edit("links.0.url", "/d/mine"), 'links[Fleet].url: "/d/anden-fleet" → "/d/mine"'),
    "link removed": (edit("links", []), "links[Fleet]: "),
    "refresh": (edit("refresh", "5s"), 'refresh: "30s" → "5s"'),
    "time": (edit("time.from", "now-1h"), 'time.from: "now-6h" → "now-1h"'),
    "tag": (edit("tags", ["anden", "mine"]), 'tags: ["anden"] → ["anden", "mine"]'),
    "mark": (edit("tags", []), 'tags: ["anden"] → nothing'),
    "dashboard deleted": (lambda data: data.boards.pop("anden-overview"), ": deleted"),
    "folder title": (
        lambda data: data.folders["anden-alerts"].update(title="Mine"),
        'folder anden-alerts "Andén alerts": title: "Andén alerts" → "Mine"',
    ),
    "for": (in_rule(**{"for": "10m"}), 'rules[anden-lag].for: "300s" → "600s"'),
    "label": (in_rule(labels={"severity": "ticket", "managed_by": "anden"}), '"page" → "ticket"'),
    "annotation": (in_rule(annotations={"summary": "Mine"}), "rules[anden-lag].annotations.summary"),
    "paused": (in_rule(isPaused=True), "rules[anden-lag].isPaused: nothing → true"),
    "rule title": (in_rule(title="Mine"), 'rules[anden-lag].title: "Lag" → "Mine"'),
    "no data": (in_rule(noDataState="OK"), "rules[anden-lag].noDataState"),
    "rule query": (in_query, "rules[anden-lag].data[A].model.expr"),
    "condition": (in_condition, "rules[anden-lag].data[B].model.conditions[0].evaluator.params[0]: 5 → 50"),
    "rule moved": (in_rule(ruleGroup="mine"), 'rules[anden-lag].ruleGroup: "ingest" → "mine"'),
    "rule deleted": (lambda data: data.rules.pop("anden-lag"), "rule group anden-alerts/ingest: rules[anden-lag]"),
    "interval": (
        lambda data: data.intervals.update({("anden-alerts", "ingest"): 300}),
        "rule group anden-alerts/ingest: interval: 60 → 300",
    ),
    "a rule more": (
        lambda data: data.rules.update(
            {"mine": {**rule("mine", "Mine"), "folderUID": "anden-alerts", "ruleGroup": "ingest"}}
        ),
        'rule mine "Mine": added to rule group anden-alerts/ingest',
    ),
    "receiver": (
        lambda data: data.contacts["anden-mail"]["settings"].update(addresses="me@example.org"),
        'contact point anden-mail: settings.addresses: "sre@example.org" → "me@example.org"',
    ),
    "contact deleted": (lambda data: data.contacts.pop("anden-mail"), "contact point anden-mail: deleted"),
    "mute interval": (
        lambda data: data.mutes["anden-weekends"]["time_intervals"][0].update(weekdays=["monday"]),
        "mute timing anden-weekends: time_intervals[0].weekdays",
    ),
    "data source URL": (
        lambda data: in_source(data, url="http://other:9090"),
        'data source anden-prometheus "Andén Prometheus": url: "http://prometheus:9090" → "http://other:9090"',
    ),
    "data source setting": (
        lambda data: in_source(data, jsonData={"httpMethod": "GET", "managedBy": "anden", "timeInterval": "30s"}),
        'jsonData.httpMethod: "POST" → "GET"',
    ),
    "data source default": (lambda data: in_source(data, isDefault=True), "isDefault: nothing → true"),
    "policy receiver": (route(receiver="anden-pager"), 'routes[1].receiver: "anden-mail" → "anden-pager"'),
    "policy mute": (route(mute_time_intervals=[]), "routes[1].mute_time_intervals"),
    "policy deleted": (lambda data: data.tree.update(routes=[]), 'policy anden-policy "anden-mail": deleted'),
}
"""Manual edits, each with the expected line of drift."""


def drift_of(fake: FakeGrafana, history: MemorySyncHistory) -> list[str]:
    return list(drift_lines(dashboards_drift(run_on(fake, history), VALUES)))


@pytest.fixture
def synced() -> tuple[FakeGrafana, MemorySyncHistory]:
    fake, history = FakeGrafana(), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), manifest())
    return fake, history


def test_defaults_filled_in_by_grafana_are_not_drift(synced: tuple[FakeGrafana, MemorySyncHistory]) -> None:
    assert drift_of(*synced) == []
    assert synced[0].data.boards["anden-overview"].model["panels"][0]["pluginVersion"]  # it was filled in


@pytest.mark.parametrize("name", EDITS)
def test_a_manual_edit_is_listed(name: str, synced: tuple[FakeGrafana, MemorySyncHistory]) -> None:
    fake, history = synced
    change, expected = EDITS[name]
    change(fake.data)
    lines = drift_of(fake, history)
    assert len(lines) == 1, lines
    assert expected in lines[0]


def test_all_edits_are_found_and_reverted_by_a_sync(synced: tuple[FakeGrafana, MemorySyncHistory]) -> None:
    fake, history = synced
    for name in (
        "query",
        "variable",
        "link",
        "for",
        "receiver",
        "mute interval",
        "data source URL",
        "policy receiver",
    ):
        EDITS[name][0](fake.data)
    assert len(drift_of(fake, history)) == 8
    dashboards_sync(run_on(fake, history), manifest())
    assert drift_of(fake, history) == []


@pytest.mark.parametrize(
    ("names", "condition", "advice"),
    [
        (["query"], "", "`manage.py dashboards sync` reverts this."),
        (["mark"], ADOPT, "`manage.py dashboards sync --adopt` reverts this."),
        (["a rule more"], MOVE, "after the steps in brackets"),
        (["mark", "a rule more"], MOVE, "after the steps in brackets"),
    ],
)
def test_the_advice_of_drift_matches_the_next_sync(
    names: list[str], condition: str, advice: str, synced: tuple[FakeGrafana, MemorySyncHistory]
) -> None:
    fake, history = synced
    for name in names:
        EDITS[name][0](fake.data)
    found = dashboards_drift(run_on(fake, history), VALUES)
    assert advice in drift_advice(found)
    assert condition in "\n".join(drift_lines(found))
    adopt = any(drift.precondition == ADOPT for drift in found)
    refused = dashboards_plan(run_on(fake, history), manifest()).refusals
    assert bool(refused) == bool(condition)
    if "a rule more" in names:
        with pytest.raises(SyncRefused, match="move it to another group"):
            dashboards_sync(run_on(fake, history), manifest(), adopt=True)
        fake.data.rules["mine"]["ruleGroup"] = "foreign"
    dashboards_sync(run_on(fake, history), manifest(), adopt=adopt)
    assert drift_of(fake, history) == []


def test_a_taken_title_is_listed_with_the_drift(synced: tuple[FakeGrafana, MemorySyncHistory]) -> None:
    fake, history = synced
    own, theirs = fake.data.boards["anden-overview"], copy.deepcopy(fake.data.boards["anden-overview"])
    own.model["title"] = "Mine"
    theirs.model.update(uid="theirs", tags=[])
    fake.data.boards["theirs"] = theirs
    found = dashboards_drift(run_on(fake, history), VALUES)
    assert 'the title "Overview" is taken in its folder by dashboard theirs' in next(iter(drift_lines(found)))
    assert "after the steps in brackets" in drift_advice(found)


def test_a_change_of_the_code_is_not_drift(synced: tuple[FakeGrafana, MemorySyncHistory]) -> None:
    fake, history = synced
    files = documents()
    files["overview.json"]["title"] = "Another"
    assert dashboards_plan(run_on(fake, history), manifest(files)).count("update") == 1
    assert drift_of(fake, history) == []


def test_there_is_no_drift_before_the_first_sync() -> None:
    assert drift_of(FakeGrafana(), MemorySyncHistory()) == []
