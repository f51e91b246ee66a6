"""Files of contracts are read, or refused by name."""

from pathlib import Path

import pytest

from apps.datasets.adapters.documents import documents
from apps.datasets.core.errors import ContractInvalid


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: [", "not YAML"),
        ("a: " + "9" * 5_000, "cannot be read: Exceeds the limit"),
        ("a: {b: [0, -" + "9" * 4_301 + "]}", "cannot be read: Exceeds the limit"),
        ("[" * 5_000, "nested too deeply"),
        ("a: " + "{a: " * 3_000, "nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_path(tmp_path: Path, text: str, rule: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContractInvalid, match=rule) as error:
        list(documents(file))
    assert str(file) in error.value.problems[0].path
