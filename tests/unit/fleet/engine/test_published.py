"""The decision record quotes the benchmark's tables, and every claim about the engine holds."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[4]
RESULTS = ROOT / "bench" / "results"


def test_the_decision_record_quotes_the_tables() -> None:
    tables = json.loads((RESULTS / "fleet_tables.json").read_text(encoding="utf-8"))
    (record,) = (ROOT / "docs" / "adr").glob("0006-*.md")
    text = record.read_text(encoding="utf-8")
    lines = [line for name in ("accurate", "calm", "scale") for line in tables[name]]
    assert len(lines) > 15
    assert [line for line in lines if line not in text] == []


def test_every_claim_holds() -> None:
    claims = json.loads((RESULTS / "fleet.json").read_text(encoding="utf-8"))
    assert len(claims) > 15
    assert [claim["name"] for claim in claims if not claim["holds"]] == []
