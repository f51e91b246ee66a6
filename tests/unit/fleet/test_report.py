"""The output of `fleet evaluate`: outliers first, and each zone once."""

from dataclasses import replace

from apps.fleet.engine.report import report
from tests.evaluations import evaluation, event, flag

MANY = tuple(f"service-{number}" for number in range(40))


def test_a_zone_that_shifts_is_named_once_with_its_count() -> None:
    led = [replace(flag(name, "database_read"), zone="a") for name in MANY[1:31]]
    lines = list(report(evaluation(MANY, flag(MANY[0]), *led, events=(event("a"),)), days=7))
    assert lines[lines.index("Outliers") + 1].split()[0] == MANY[0]
    assert lines[-1].split()[:4] == ["zone", "a", "30", "services:"]
    assert [name for name in MANY[1:] if any(f"{name} " in line for line in lines)] == []


def test_a_shifted_zone_alone_lists_no_outliers() -> None:
    led = [replace(flag(name), zone="a") for name in MANY]
    lines = list(report(evaluation(MANY, *led), days=7))
    assert "Outliers" not in lines
    assert lines[-1].startswith("  zone a ")
