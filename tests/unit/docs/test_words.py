"""No tracked text holds a word of the list in .vale/Anden/Words.yml, which Vale applies to prose in make lint.

This test also reads identifiers, templates, Terraform and charts, and needs no Go.
"""

import re
from typing import Any, Final

import pytest
import yaml

from tests.infra.repository_files import ROOT, texts

RULE: Final[dict[str, Any]] = yaml.safe_load((ROOT / ".vale/Anden/Words.yml").read_text(encoding="utf-8"))
PATTERN: Final = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(RULE['swap'])})(?![A-Za-z])", re.IGNORECASE)
EXEMPT: Final = re.compile(
    r"^README\.es\.md$"  # Spanish
    r"|^CHANGELOG\.md$"  # former names; Vale reads its prose
    r"|^LICENSE$|^\.vale/|\.svg$"
    r"|/migrations/"  # former columns keep their names there
    r"|^tests/integration/upgrade/releases/"  # what a release stored and answered
    r"|^tests/unit/docs/test_words\.py$"
)


def hits(text: str) -> list[str]:
    """Each word of the list in the text, with its line's number."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {found[0]}" for number, line in lines for found in PATTERN.finditer(line)]


def test_no_tracked_text_holds_a_word_of_the_list() -> None:
    files = {name: text for name, text in texts().items() if not EXEMPT.search(name)}
    found = {name: hits(text) for name, text in files.items()}
    assert {name: where for name, where in found.items() if where} == {}
    assert len(files) > 1_000


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The queue stands still.", ["1: stands"]),
        ("def test_it_says_so() -> None: ...", ["1: says"]),
        ("a whole number, two whole numbers", []),
        ("the whole file", ["1: whole"]),
        ('user = "nobody"  # nobody else', ["1: nobody"]),
        ("if value is None:\n    there is none", ["2: is none"]),
        ("Standstill, understands, asset, retold", []),
    ],
)
def test_the_list_reads_prose_and_identifiers(text: str, wanted: list[str]) -> None:
    assert hits(text) == wanted


def test_each_word_has_a_replacement() -> None:
    assert all(isinstance(swap, str) and swap for swap in RULE["swap"].values())
    assert RULE["level"] == "error"
