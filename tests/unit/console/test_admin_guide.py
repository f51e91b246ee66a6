"""docs/guides/admin.md explains every state of a dataset."""

import re
from pathlib import Path

from apps.console.core.dataset_state import DatasetState

GUIDE = Path(__file__).resolve().parents[3] / "docs/guides/admin.md"


def test_the_guide_lists_the_states_in_their_order_of_urgency() -> None:
    table = GUIDE.read_text(encoding="utf-8").split("| State | Meaning |")[1].split("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == [state.word for state in DatasetState]
