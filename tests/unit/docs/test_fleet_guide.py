"""docs/guides/fleet.md lists the code's queries, faults and states, and its examples are valid."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.opentelemetry import QUERIES
from apps.fleet.engine.report import STATE_LABELS
from apps.fleet.engine.signal_queries import parse_queries
from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.engine.span import ObservationSpan
from apps.fleet.simulation.fault_spec import KINDS, parse_fault
from apps.fleet.simulation.names import service_names
from apps.fleet.sources.file_source import FileSource

GUIDE = (Path(__file__).resolve().parents[3] / "docs/guides/fleet.md").read_text(encoding="utf-8")


def _cells(row: str) -> list[str]:
    return [cell.strip(" `") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def _table(header: str) -> list[list[str]]:
    """The rows of the table with this header."""
    after = GUIDE.split(f"{header}\n", 1)[1].splitlines()[1:]
    rows = after[: next(number for number, line in enumerate(after) if not line.startswith("|"))]
    return [_cells(row) for row in rows]


def test_the_table_lists_the_queries_that_are_run() -> None:
    listed = {name: (unit, query.replace("\\|", "|")) for name, unit, query in _table("| Signal | Unit | PromQL |")}
    assert listed == {name: (SIGNAL_BY_NAME[name].unit, query.text) for name, query in QUERIES.items()}


def test_every_state_is_explained() -> None:
    assert [row[0] for row in _table("| State | Meaning |")] == [STATE_LABELS[state] for state in ServiceState]


def test_every_kind_of_fault_is_listed_and_the_examples_are_valid() -> None:
    assert [row[0] for row in _table("| Kind | What happens |")] == list(KINDS)
    examples = re.findall(r"--fault (\S+)", GUIDE)
    assert len(examples) == 2
    for words in examples:
        parse_fault(words, service_names(50), ["a", "b", "c"])


def test_the_example_of_a_query_file_is_valid() -> None:
    found = parse_queries(yaml.safe_load(GUIDE.split("```yaml\n")[1].split("```")[0]))
    assert (found.service_label, found.zone_label) == ("app", "zone")
    assert "database_write" not in found.signals


def test_the_example_of_a_csv_file_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(GUIDE.split("```csv\n")[1].split("```")[0])
    at = datetime(2026, 3, 1, 14, 5, 30, tzinfo=UTC)
    found = FileSource(path, ObservationSpan(window_s=600, step_s=60, days=7)).observe(at.timestamp())
    assert (found.services, found.zones) == (("checkout",), ("eu-1a",))
    assert np.isfinite(found.now).sum() == 2
    assert found.deployed_s[0] == datetime(2026, 3, 1, 14, 2, 10, tzinfo=UTC).timestamp()
