"""The README quotes what the bench measured, figure by figure, and only what holds."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[3]


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def test_the_readme_quotes_the_results() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    results = [
        result
        for name in ("ingest", "api")
        for result in json.loads((ROOT / f"bench/results/{name}.json").read_text())
    ]
    quoted = [
        f"| {figure(item['ours'])} {item['unit']} | {figure(item['theirs'])} {item['unit']} "
        f"| {item['ratio']:.2f} | ≥ {item['bar']:g} |"
        for item in results
    ]
    assert [line for line in quoted if line not in readme] == []
    assert all(item["holds"] for item in results)
