"""The preconditions If-Match and If-None-Match. Source: RFC 9110, 8.8.3, 13.1 and 13.2.2."""

import re
from dataclasses import dataclass
from typing import Final

from apps.api.errors import HeaderInvalid

ANY: Final = "*"
MAX_LENGTH: Final = 8192
"""Characters per header: room for hundreds of tags."""
BLANK: Final = " \t"
TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
BETWEEN: Final = re.compile(r"[ \t,]*")
"""Neither regex can backtrack: each character of a header is scanned once."""


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The tags of each header; None if it was not sent."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    def unmet(self, tag: str | None) -> str:
        """Why the preconditions fail for a record with this tag (None: no record); empty if they hold."""
        if self.match is not None and tag is None:
            return "the record does not exist, but If-Match requires one"
        if self.match is not None and not self.match & {tag, ANY}:
            if f"W/{tag}" in self.match:
                return "If-Match does not accept weak tags: send the record's ETag without W/"
            return "the record has changed since you read it: fetch it again"
        if self.none_match is None or tag is None:
            return ""
        if ANY in self.none_match:
            return "the record exists, but If-None-Match: * requires that it does not: fetch it and send If-Match"
        if tag in {each.removeprefix("W/") for each in self.none_match}:
            return "the record still has a tag listed in If-None-Match"
        return ""


def parse_preconditions(match: str | None, none_match: str | None) -> Preconditions:
    """The preconditions in If-Match and If-None-Match. Raises HeaderInvalid."""
    return Preconditions(_tags("If-Match", match), _tags("If-None-Match", none_match))


def _tags(name: str, header: str | None) -> frozenset[str] | None:
    if header is None:
        return None
    if len(header) > MAX_LENGTH:
        raise HeaderInvalid(f"{name} exceeds {MAX_LENGTH} characters: send fewer tags", parameter=name)
    if header.strip(BLANK) == ANY:
        return frozenset({ANY})
    tags: set[str] = set()
    end, separated = _gap(header, 0)
    while end < len(header):
        tag = TAG.match(header, end) if separated or not tags else None
        if tag is None:
            rule = f'{name} must be * or comma-separated tags in double quotes, for example "3"'
            raise HeaderInvalid(rule, parameter=name)
        tags.add(tag[0])
        end, separated = _gap(header, tag.end())
    return frozenset(tags)


def _gap(header: str, begin: int) -> tuple[int, bool]:
    """The end of the separator, and whether it contains a comma. Lists may have empty elements."""
    end = BETWEEN.match(header, begin).end()  # type: ignore[union-attr]
    return end, header.find(",", begin, end) >= 0
