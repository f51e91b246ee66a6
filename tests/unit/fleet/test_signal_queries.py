"""The file with the PromQL of each signal."""

from pathlib import Path

import pytest

from apps.fleet.engine.opentelemetry import QUERIES
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.errors import SourceInvalid
from apps.fleet.services.source import signal_queries


def test_every_signal_has_opentelemetrys_query_by_default() -> None:
    assert dict(signal_queries(None).signals) == {name: query.text for name, query in QUERIES.items()}
    assert list(QUERIES) == [signal.name for signal in SIGNALS]


def test_a_file_changes_only_the_signals_it_names(tmp_path: Path) -> None:
    path = tmp_path / "signals.yaml"
    path.write_text(
        "service_label: app\n"
        "signals: {saturation: 'max by (app) (pool_used_ratio)', database_write: null}\n"
        "zones: {query: 'count by (app, az) (up)', label: az}\n"
        "deployed: max by (app) (started)\n"
    )
    found = signal_queries(path)
    assert found.service_label == "app"
    assert found.signals["saturation"] == "max by (app) (pool_used_ratio)"
    assert found.signals["latency_p95"] == QUERIES["latency_p95"].text
    assert "database_write" not in found.signals
    assert (found.zones, found.zone_label) == ("count by (app, az) (up)", "az")
    assert found.deployed == "max by (app) (started)"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a list", "expected a mapping"),
        ("services: x", "services: unknown field; use one of service_label, signals"),
        ("signals: []", "signals: must be a mapping with any of request_rate"),
        ("signals: {latency: x}", "signals.latency: unknown signal; use one of request_rate"),
        ("signals: {latency_p95: 3}", "signals.latency_p95: must be text, not int"),
        ("signals: {latency_p95: ''}", "signals.latency_p95: must be text, not empty"),
        ("service_label: [a]", "service_label: must be text, not list"),
        ("zones: {query: up}", "zones: must be a mapping with query and label"),
        ("zones: {query: up, label: 3}", "zones.label: must be text"),
        ("deployed:", "deployed: must be text, not empty"),
        ("signals: {" + ", ".join(f"{name}: null" for name in QUERIES) + "}", "signals: every signal is null"),
        ("a: b: c", "line 1 is not valid YAML"),
        ("", "is empty: run `manage.py fleet queries`"),
        ("# nothing yet", "is empty"),
    ],
)
def test_an_invalid_file_is_refused_with_its_field(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "signals.yaml"
    path.write_text(text)
    with pytest.raises(SourceInvalid) as caught:
        signal_queries(path)
    assert complaint in str(caught.value)
    assert "ANDEN_FLEET_SIGNALS" in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="No such file"):
        signal_queries(tmp_path / "none.yaml")
