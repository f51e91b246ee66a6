"""Domains in a text, and the allowed ones."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import yaml

ALLOWED: Final[Mapping[str, str]] = yaml.safe_load(Path(__file__).with_name("domains.yaml").read_text("utf-8"))
"""Allowed domains (with their subdomains) and the reason."""

# Outside URLs and settings, only TLDs count that are neither file extensions nor attributes in this project.
_ENDINGS: Final = "ai|app|aws|biz|ch|cloud|cn|co|com|de|dev|edu|es|eu|fr|gov|info|io|jp|net|org|tech|uk|us|xyz"
_NAMES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:://|[\w.+-]@)((?:[\w-]+\.)+[a-z]{2,})\b",
        r"""\b(?:domain|domainFilters|host|hostname|issuer|server)["']?\s*[:=]\s*[\["']*(?!(?:each|local|module|var)\.)((?:[\w-]+\.)+[a-z]{2,})\b(?![(.])""",
        rf"(?<![\w.@/-])((?:[a-z0-9-]+\.)+(?:{_ENDINGS}))(?![\w(-]|\.\w)",
        r"(?<![\w./-])((?:[a-z0-9-]+\.)*keda\.sh)\b",
    )
)


def domains(text: str) -> set[str]:
    """All domains in the text, in lower case."""
    return {found.lower() for pattern in _NAMES for found in pattern.findall(text)}


def allowance(domain: str, allowed: Iterable[str]) -> str | None:
    """The entry that allows the domain: itself or its longest listed parent."""
    above = [each for each in allowed if domain == each or domain.endswith(f".{each}")]
    return max(above, key=len, default=None)
