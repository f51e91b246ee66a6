"""Table columns use Grafana's field names and keep their order."""

import pytest

from apps.fleet.metrics import FLEET_STATE
from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.dashboards.model import Dashboard, Panel, PanelQuery, TableColumn, Unit, rising
from apps.monitoring.renderers.grafana_tables import overrides, transformations
from apps.telemetry.promql import level

NOW = PanelQuery(level(FLEET_STATE, by=("service",)), "{{service}}", instant=True)
TREND = PanelQuery(level(FLEET_STATE, by=("service",)), "{{service}}")
SERVICE = TableColumn("service", "Service")


def table(targets: tuple[PanelQuery, ...], *columns: TableColumn) -> Panel:
    return Panel("t", "It is.", "table", Unit.COUNT, targets, 24, columns=columns)


@pytest.mark.parametrize(
    ("targets", "fields", "names", "steps"),
    [
        ((NOW,), ("service", "value"), ["service", "Value"], ["organize"]),
        ((NOW, NOW), ("service", "value A", "value B"), ["service", "Value #A", "Value #B"], ["merge", "organize"]),
        (
            (NOW, TREND),
            ("service", "value", "trend"),
            ["service", "Value", "Trend #B"],
            ["timeSeriesTable", "joinByField", "organize"],
        ),
        (
            (NOW, NOW, TREND),
            ("service", "value", "value B", "trend"),
            ["service", "Value #A", "Value #B", "Trend #C"],
            ["timeSeriesTable", "joinByField", "organize"],
        ),
    ],
)
def test_columns_are_renamed_in_order(
    targets: tuple[PanelQuery, ...], fields: tuple[str, ...], names: list[str], steps: list[str]
) -> None:
    columns = tuple(TableColumn(field, field.title()) for field in fields)
    found = list(transformations(table(targets, *columns)))
    assert [step.name for step in found] == steps
    assert found[-1].options["renameByName"] == dict(zip(names, [column.title for column in columns], strict=True))
    assert found[-1].options["indexByName"] == {name: place for place, name in enumerate(names)}


def test_only_the_trend_becomes_a_sparkline() -> None:
    first, *_ = transformations(table((NOW, TREND), SERVICE, TableColumn("trend", "Trend")))
    assert (first.name, first.only) == ("timeSeriesTable", "B")


def test_plain_column_has_no_override() -> None:
    scaled = TableColumn("value", "Score", Unit.SCORE, rising(1, 2))
    found = {name: properties for _, name, properties in overrides(table((NOW,), SERVICE, scaled))}
    assert set(found) == {"Score"}
    assert set(found["Score"]) == {"unit", "thresholds", "custom.cellOptions"}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_table_columns_are_labels_or_values_of_its_queries(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        if panel.visualization == "table":
            targets = [target for target in panel.queries if isinstance(target, PanelQuery)]
            assert len(targets) == len(panel.queries)
            letters = {f"value {letter}" for letter in "ABCDEFGH"[: len(panel.queries)]}
            labels = {column.field for column in panel.columns} - letters - {"value", "trend"}
            grouped = " ".join(target.query.text for target in targets)
            assert all(label in grouped for label in labels)
            assert "trend" not in {column.field for column in panel.columns} or any(
                not target.instant for target in targets
            )
