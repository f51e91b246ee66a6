"""What may stand in no file: each rule is a pattern that is sought line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.infra.repository_files import texts


@dataclass(frozen=True, slots=True)
class Rule:
    """A name, a pattern, and whether it holds for programs, too, and not only for what is deployed and described."""

    name: str
    pattern: re.Pattern[str]
    everywhere: bool = False


_BRANCH: Final = r"""["']?(?:main|master|HEAD)\b"""

RULES: Final = (
    # Twelve zeros stand for an account wherever one is needed.
    Rule("account id", re.compile(r"(?<![\w.])(?!0{12})\d{12}(?!\w)(?!\.\d)"), everywhere=True),
    Rule("access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), everywhere=True),
    Rule(
        "profile",
        re.compile(r"^\s*profile\s*=|\bAWS_PROFILE\s*[:=]|\baws\b.*\s--profile\b|\bshared_credentials_files?\b"),
        everywhere=True,
    ),
    # ZFILLMEIN, which no hosted zone is called, is shorter than any.
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
    ("terraform/cluster/variables.tf", 'default     = "main"'): "what is merged is deployed: Argo CD follows a branch",
}
"""Lines that break a rule for a reason, by file."""

_PROGRAMS: Final = (".py", ".js", ".mjs", ".css", ".html", ".lua")
# Locks name what they lock by the hundred, and pictures are rendered from text.
_LEFT_OUT: Final = ("package-lock.json", ".txt", ".lock.toml", ".svg")
_PLANTED: Final = "tests/infra/text/"


def scanned(*, programs: bool) -> dict[str, str]:
    """Files that rules hold for, by path; with programs, too, but for the tests beside this one, which break each."""
    return {
        path: text
        for path, text in texts().items()
        if not path.endswith(_LEFT_OUT)
        and (not path.endswith(_PROGRAMS) or (programs and not path.startswith(_PLANTED)))
    }


def broken(rule: Rule, text: str) -> Iterator[str]:
    """The lines that break the rule, without the blanks around them."""
    yield from (line.strip() for line in text.splitlines() if rule.pattern.search(line))
