"""README.es.md says what README.md says: headings, commands, links, figures and tables are compared."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[3]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
SPANISH = (ROOT / "README.es.md").read_text(encoding="utf-8")

HEADINGS: Final = {
    "Andén": "Andén",
    "Two commands": "Dos órdenes",
    "Day one of an SRE": "El primer día de un SRE",
    "Measured": "Medido",
    "On AWS": "En AWS",
    "What to do next": "Qué hacer después",
}
SECTIONS: Final = [*HEADINGS][1:]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
TARGET = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
FIGURE = re.compile(r"(?<![\w.,/])\d(?:[\d.,]*\d)?(?!\w)")
VERSION = re.compile(r"(?:Django|Python|PostgreSQL|Kafka|ADR|from|la) (\d[\d.]*\d|\d)\b")
COMMENT = re.compile(r"(?:^|\s+)# .*$", re.MULTILINE)
SWAP: Final = str.maketrans(".,", ",.")


def headings(text: str) -> list[tuple[int, str]]:
    """Level and words of each heading, in order."""
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", FENCE.sub("", text), re.MULTILINE)]


def section(text: str, heading: str) -> str:
    """What stands below this heading, until the next one."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def prose(text: str) -> str:
    """The text without code and without where its links lead."""
    return TARGET.sub("", CODE.sub("", FENCE.sub("", text)))


def figures(text: str, *, spanish: bool) -> Counter[str]:
    """How often each figure stands in the text, as English writes it; versions are no figures."""
    found = FIGURE.findall(VERSION.sub("", prose(text)))
    return Counter(figure.translate(SWAP) if spanish else figure for figure in found)


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Each code block: its language, and its lines without comments, which are translated."""
    return [
        (kind, [line.rstrip() for line in COMMENT.sub("", body).splitlines()]) for kind, body in FENCE.findall(text)
    ]


def shapes(text: str) -> list[list[int]]:
    """The number of cells of each row, table by table."""
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[len(re.split(r"(?<!\\)\|", line)) - 2 for line in table.splitlines()] for table in tables]


def test_the_headings_are_the_same_in_the_same_order() -> None:
    assert [(level, HEADINGS.get(words)) for level, words in headings(ENGLISH)] == headings(SPANISH)
    assert [words for _, words in headings(ENGLISH)] == list(HEADINGS)


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_section_has_the_same_commands(heading: str) -> None:
    assert commands(section(ENGLISH, heading)) == commands(section(SPANISH, HEADINGS[heading]))


def test_there_are_commands_to_compare() -> None:
    assert [kind for kind, lines in commands(ENGLISH) if any(lines)] == ["sh", "sh", "sh"]


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_section_names_the_same_code(heading: str) -> None:
    ours, theirs = (FENCE.sub("", section(*pair)) for pair in ((ENGLISH, heading), (SPANISH, HEADINGS[heading])))
    assert Counter(CODE.findall(ours)) == Counter(CODE.findall(theirs))


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_section_has_the_same_links_and_pictures(heading: str) -> None:
    assert Counter(TARGET.findall(section(ENGLISH, heading))) == Counter(
        TARGET.findall(section(SPANISH, HEADINGS[heading]))
    )


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_section_has_the_same_figures(heading: str) -> None:
    ours = figures(section(ENGLISH, heading), spanish=False)
    assert ours == figures(section(SPANISH, HEADINGS[heading]), spanish=True)


def test_a_figure_that_differs_would_be_found() -> None:
    assert figures("256,289 rows/s, 0.66", spanish=False) == figures("256.289 filas/s, 0,66", spanish=True)
    assert figures("0.66", spanish=False) != figures("0,67", spanish=True)
    assert sum(figures(ENGLISH, spanish=False).values()) > 50


def test_tables_have_the_same_shape() -> None:
    assert shapes(ENGLISH) == shapes(SPANISH) != []


def test_the_same_things_are_weighed_in_bold() -> None:
    assert len(re.findall(r"\*\*[^*]+\*\*", ENGLISH)) == len(re.findall(r"\*\*[^*]+\*\*", SPANISH))


def test_paragraphs_and_items_are_as_many() -> None:
    def count(text: str) -> list[int]:
        return [
            len(re.split(r"\n\n+|\n(?=- )", part.strip())) for part in re.split(r"^#+ .+$", text, flags=re.MULTILINE)
        ]

    assert count(ENGLISH) == count(SPANISH)


def test_each_readme_leads_to_the_other() -> None:
    assert "[Español](README.es.md)" in ENGLISH
    assert "[English](README.md)" in SPANISH
