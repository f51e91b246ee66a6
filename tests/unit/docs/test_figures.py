"""README.md and docs/benchmarks.md quote the committed results, figure by figure, and only those that hold."""

import json
from pathlib import Path
from typing import Any

from bench.__main__ import SERVED

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")

MEASURED = [suite for suite in SERVED if (ROOT / f"bench/results/{suite}.json").exists()]


def results(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / f"bench/results/{name}.json").read_text(encoding="utf-8"))
    return found


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cells(item: dict[str, Any]) -> str:
    """The last four cells of the result's row."""
    return (
        f"| {figure(item['anden'])} {item['unit']} | {figure(item['baseline'])} {item['unit']} "
        f"| {item['ratio']:.2f} | ≥ {item['target']:g} |"
    )


def rows(text: str) -> list[str]:
    """The rows of the table that has targets."""
    return [line for line in text.splitlines() if line.startswith("|") and "| ≥ " in line]


def test_the_benchmarks_quote_each_result_once() -> None:
    measured = [cells(item) for name in MEASURED for item in results(name)]
    assert [next((cell for cell in measured if row.endswith(cell)), row) for row in rows(BENCHMARKS)] == measured
    assert all(item["holds"] for name in (*MEASURED, "fleet") for item in results(name))


def test_the_readme_repeats_three_rows_of_the_benchmarks() -> None:
    assert len(rows(README)) == 3
    assert [row for row in rows(README) if row not in rows(BENCHMARKS)] == []


def test_the_benchmarks_quote_the_outliers() -> None:
    text = " ".join(BENCHMARKS.split())
    measured = {item["name"]: item["anden"] for item in results("fleet")}
    precision, recall = (
        measured[f"One of 50 services at ×1.5 of its baseline: {what}"] for what in ("precision", "recall")
    )
    calm = measured["The entire fleet of 50 at ×1.6: healthy services flagged"]
    seconds = measured["Evaluating 10,000 services × 6 signals: one core, compared with its limit"]
    memory = measured["… its peak memory, compared with its limit"]
    for quoted in (
        f"precision {precision:.0f} % and recall {recall:.0f} %.",
        f"at ×1.6, {calm:.1f} % of the healthy services are flagged",
        f"takes {seconds:.1f} s of one core and {memory:.0f} MiB",
    ):
        assert quoted in text
