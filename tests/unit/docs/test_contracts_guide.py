"""docs/guides/contracts.md matches the code: its tables are compared with the code's."""

import re
from pathlib import Path

import yaml

from apps.datasets.core.column_types.checks import ITEMS, NUMBERS, TEXTS
from apps.datasets.core.column_types.types import DEFAULT_PHYSICAL, TYPES
from apps.datasets.core.contract.contract import WriteMode
from apps.datasets.core.document.custom_properties import CLEANUP, WORDS
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.record.formats import FORMATS

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/guides/contracts.md").read_text(encoding="utf-8")
REASON = re.compile(
    r"""(?:BadRecord\(\s*|^(?:DUPLICATE_FIELD|LATE|REFUSED|TOO_DEEP|UNDECODABLE): Final = )"([a-z_]+)\"""",
    re.MULTILINE,
)


def table(title: str) -> list[list[str]]:
    """The rows of the table under this heading, as cells without backticks."""
    section = GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_sample_is_a_valid_contract() -> None:
    sample = yaml.safe_load(GUIDE.partition("```yaml\n")[2].partition("```")[0])
    contract = contract_from_odcs(sample)
    assert (contract.name, contract.mode, contract.key) == ("sensors", WriteMode.UPSERT, ("id",))


def test_every_word_of_anden_is_explained() -> None:
    assert {row[0] for row in table("Custom properties")} == WORDS


def test_the_words_of_a_topic_and_its_policies_are_those_of_the_code() -> None:
    row = next(row for row in table("Custom properties") if row[0] == "topic")
    source = (ROOT / "apps/datasets/core/document/custom_properties.py").read_text(encoding="utf-8")
    assert all(f'"{word.strip()}"' in source for word in row[1].split(","))
    assert row[2].rpartition(", ")[2] in CLEANUP


def test_the_listed_record_formats_are_the_supported_ones() -> None:
    row = next(row for row in table("Custom properties") if row[0] == "format")
    assert row[1].split(", ") == list(FORMATS)
    assert row[2] in FORMATS


def test_every_type_is_listed_with_its_logical_types_and_whether_it_has_arrays() -> None:
    listed = [(row[0], tuple(part.strip() for part in row[1].split(",")), row[3] == "yes") for row in table("Types")]
    assert listed == [(spec.name, spec.logical, spec.arrayable) for spec in TYPES]


def test_the_listed_default_types_are_the_codes() -> None:
    listed = dict(
        re.findall(
            r"an?\s+`(\w+)`(?:\s+is)?\s+`(\w+)`", GUIDE.partition("Without `physicalType`")[2].partition("##")[0]
        )
    )
    assert listed
    for logical, physical in listed.items():
        assert DEFAULT_PHYSICAL[logical] == physical


def test_every_option_that_is_checked_is_listed() -> None:
    listed = {word.strip() for row in table("Checks") for word in row[1].split(",")}
    assert listed == {*NUMBERS, *TEXTS, *ITEMS}


def test_every_reason_that_the_code_gives_is_explained() -> None:
    sources = [
        *ROOT.glob("apps/datasets/core/**/*.py"),
        *ROOT.glob("apps/ingest/**/*.py"),
        *ROOT.glob("apps/api/*.py"),
    ]
    given = {reason for path in sources for reason in REASON.findall(path.read_text(encoding="utf-8"))}
    assert {row[0] for row in table("Rejection reasons")} == given
