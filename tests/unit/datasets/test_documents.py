"""Contract files are read, or rejected by path."""

from pathlib import Path
from typing import Any

import pytest

from apps.datasets.adapters.contract_files import documents
from apps.datasets.core.errors import ContractInvalid
from apps.datasets.services import dataset_apply
from tests.documents import document


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: [", "not YAML"),
        ("a: " + "9" * 5_000, "cannot read a value: Exceeds the limit"),
        ("a: {b: [0, -" + "9" * 4_301 + "]}", "cannot read a value: Exceeds the limit"),
        ("[" * 5_000, "nested too deeply"),
        ("a: " + "{a: " * 3_000, "nested too deeply"),
    ],
)
def test_an_unreadable_file_is_rejected_with_its_path(tmp_path: Path, text: str, rule: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContractInvalid, match=rule) as error:
        list(documents(file))
    assert str(file) in error.value.problems[0].path


LOOP: dict[str, Any] = {}
LOOP["again"] = LOOP


@pytest.mark.parametrize("value", ["\ud800", b"binary", {1, 2}, LOOP])
def test_a_document_that_json_cannot_represent_is_rejected(value: object) -> None:
    words = [{"property": "note", "value": value}]
    with pytest.raises(ContractInvalid, match="cannot be serialized as JSON"):
        dataset_apply({**document(), "customProperties": words})
