"""README.es.md has the commands and links of README.md, in the same order, and is shorter."""

import re
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[3]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
SPANISH = (ROOT / "README.es.md").read_text(encoding="utf-8")

FENCE: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENT: Final = re.compile(r"\s+# .*$")
VERSION: Final = re.compile(r"\b\d+\.\d+\.\d+\b")


def commands(text: str) -> list[str]:
    """Each line of each shell block, without its comment, which is translated."""
    return [COMMENT.sub("", line) for block in FENCE.findall(text) for line in block.splitlines()]


def test_both_have_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(SPANISH)
    assert len(commands(ENGLISH)) >= 5


def test_a_comment_is_not_compared_and_a_command_is() -> None:
    assert (
        commands("```sh\nmake run     # start\n```\n")
        == commands("```sh\nmake run   # arranca\n```\n")
        == ["make run"]
    )
    assert commands("```sh\nmake run\n```\n") != commands("```sh\nmake test\n```\n")


def test_both_name_the_same_version() -> None:
    assert VERSION.findall(ENGLISH)[0] == VERSION.findall(SPANISH)[0]


def test_the_spanish_one_is_shorter() -> None:
    assert len(SPANISH) < len(ENGLISH)


def test_each_links_to_the_other() -> None:
    assert "[Español](README.es.md)" in ENGLISH
    assert "[English](README.md)" in SPANISH
