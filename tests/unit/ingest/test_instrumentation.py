"""Reject metrics: every reason exists from the first batch on, so that `increase()` sees the first burst."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from apps.ingest.adapters.instrumentation import count_batch
from apps.ingest.core.ports import DatasetBatch
from apps.ingest.core.rejects import REASONS
from apps.ingest.metrics import REJECTS
from tests.unit.ingest.world import events, target

ROOT = Path(__file__).parents[3]
BUILT = re.compile(
    r'BadRecord\(\s*"([a-z_]+)"'
    r'|^(?:LATE|TOO_DEEP|REFUSED|TOO_LARGE|UNREADABLE|UNDECODABLE|DUPLICATE_FIELD): Final = "([a-z_]+)"',
    re.M,
)


def test_the_reasons_are_those_of_the_code_and_of_the_guide() -> None:
    folders = ("apps/datasets/core", "apps/ingest/core", "apps/ingest/services", "apps/ingest/adapters")
    sources = [path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert {first or second for source in sources for first, second in BUILT.findall(source)} == set(REASONS)
    guide = (ROOT / "docs/guides/ingest.md").read_text(encoding="utf-8")
    table = guide.partition("| Reason | What it means |")[2].partition("\n\n")[0]
    documented = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])]
    assert sorted(documented) == sorted(REASONS)


def test_every_reason_is_zero_from_the_first_batch_on() -> None:
    count_batch([DatasetBatch(target(events(name="metered")))])
    found = {
        reason: REGISTRY.get_sample_value(REJECTS.name, {"dataset": "metered", "reason": reason}) for reason in REASONS
    }
    assert found == dict.fromkeys(REASONS, 0.0)
