"""Patterns that must not occur in any line of a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.infra.repository_files import texts


@dataclass(frozen=True, slots=True)
class Rule:
    """A name and a pattern; `everywhere` also applies it to programs, not only to deployed files and docs."""

    name: str
    pattern: re.Pattern[str]
    everywhere: bool = False


_BRANCH: Final = r"""["']?(?:main|master|HEAD)\b"""

RULES: Final = (
    # Twelve zeros are the placeholder for an account id.
    Rule("account id", re.compile(r"(?<![\w.])(?!0{12})\d{12}(?!\w)(?!\.\d)"), everywhere=True),
    Rule("access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), everywhere=True),
    Rule(
        "profile",
        re.compile(r"^\s*profile\s*=|\bAWS_PROFILE\s*[:=]|\baws\b.*\s--profile\b|\bshared_credentials_files?\b"),
        everywhere=True,
    ),
    # The placeholder ZFILLMEIN is shorter than any real id.
    Rule("hosted zone", re.compile(r"\bZ[A-Z0-9]{9,31}\b"), everywhere=True),
    Rule(
        "resource's id",
        re.compile(r"\b(?:vpc|vpce|subnet|sg|ami|eni|igw|nat|rtb|eipalloc)-(?!0+\b)(?:[0-9a-f]{17}|[0-9a-f]{8})\b"),
        everywhere=True,
    ),
    Rule("latest", re.compile(r"""[:@-]latest\b|\btag["']?\s*[:=]\s*["']?latest\b""")),
    Rule(
        "branch as a revision",
        re.compile(
            rf"""\b(?:ref|revision|targetRevision|branch)\b["']?\s*[:=]\s*{_BRANCH}"""
            rf"""|(?<![!=])[:=]\s*{_BRANCH}["']?\s*$|[?&]ref={_BRANCH}|@{_BRANCH}"""
        ),
    ),
    Rule(
        "tool without an exact version",
        re.compile(r"""\b(?:node|go|python|terraform)[-_]version["']?\s*:\s*(?!["']?\d+\.\d+\.\d+\b)\S"""),
    ),
    Rule(
        "package without a lock",
        re.compile(r"^(?!.*`).*(?:\bnpx\b|\bnpm (?:install|i)\b|\bpip3? install (?!.*(?:\\$|-r |-e |==)))"),
    ),
)

ACCEPTED: Final = {
    ("terraform/cluster/variables.tf", 'default     = "main"'): "Argo CD follows a branch by design",
}
"""Accepted violations by file and line, with the reason."""

_PROGRAMS: Final = (".py", ".js", ".mjs", ".css", ".html", ".lua")
# Lock files and rendered pictures.
_LEFT_OUT: Final = ("package-lock.json", ".txt", ".lock.toml", ".svg")
_PLANTED: Final = "tests/infra/text/"


def scanned(*, programs: bool) -> dict[str, str]:
    """Files to check, by path; `programs` includes programs, except these tests, which contain violations."""
    return {
        path: text
        for path, text in texts().items()
        if not path.endswith(_LEFT_OUT)
        and (not path.endswith(_PROGRAMS) or (programs and not path.startswith(_PLANTED)))
    }


def broken(rule: Rule, text: str) -> Iterator[str]:
    """Lines that violate the rule, stripped."""
    yield from (line.strip() for line in text.splitlines() if rule.pattern.search(line))
