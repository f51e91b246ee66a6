"""Benchmarks of the outlier engine: accuracy, false alarms, and cost. Needs no server."""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench import fleet_accuracy, fleet_calm, fleet_scale
from bench.result import Result


def measure(folder: Path, *, first_seed: int) -> list[Result]:
    """The claims, on fleets drawn from this seed.

    Writes the tables to fleet_tables.json, which the decision record quotes.
    """
    cost = fleet_scale.measure()
    with ProcessPoolExecutor(2) as pool:
        found = pool.submit(fleet_accuracy.tabulate, first_seed=first_seed)
        kept = pool.submit(fleet_calm.measure, first_seed)
        accurate, calm = found.result(), kept.result()
    tables = {
        "accurate": fleet_accuracy.markdown(accurate),
        "calm": fleet_calm.markdown(calm),
        "scale": fleet_scale.markdown(cost),
        "flapping": f"{calm.openings:.2f} openings an hour",
    }
    for name, text in tables.items():
        print(f"\n{name}\n{text}")
    folder.mkdir(parents=True, exist_ok=True)
    lines = {name: text.splitlines() for name, text in tables.items()}
    (folder / "fleet_tables.json").write_text(json.dumps(lines, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*fleet_accuracy.claims(accurate), *fleet_calm.claims(calm), *fleet_scale.claims(cost)]
