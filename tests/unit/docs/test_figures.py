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
        for name in ("ingest", "api", "database_time")
        for result in json.loads((ROOT / f"bench/results/{name}.json").read_text())
    ]
    quoted = [
        f"| {figure(item['anden'])} {item['unit']} | {figure(item['baseline'])} {item['unit']} "
        f"| {item['ratio']:.2f} | ≥ {item['target']:g} |"
        for item in results
    ]
    assert [line for line in quoted if line not in readme] == []
    assert all(item["holds"] for item in results)


def test_the_readme_quotes_the_outliers() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    claims = json.loads((ROOT / "bench/results/fleet.json").read_text(encoding="utf-8"))
    measured = {claim["name"]: claim["anden"] for claim in claims}
    precision, recall = (
        measured[f"One of 50 services at ×1.5 of its baseline: {what}"] for what in ("precision", "recall")
    )
    calm = measured["The entire fleet of 50 at ×1.6: healthy services flagged"]
    seconds = measured["Evaluating 10,000 services × 6 signals: one core, compared with its limit"]
    memory = measured["… its peak memory, compared with its limit"]
    for quoted in (
        f"precision {precision:.0f} % and recall {recall:.0f} %;",
        f"at ×1.6, {calm:.1f} % of the healthy are flagged",
        f"takes {seconds:.1f} s of one core and {memory:.0f} MiB",
    ):
        assert quoted in readme
