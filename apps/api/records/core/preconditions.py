"""If-Match and If-None-Match: which state of a record a request is for. Source: RFC 9110, 8.8.3, 13.1 and 13.2.2."""

import re
from dataclasses import dataclass
from typing import Final

from apps.api.errors import HeaderInvalid

ANY: Final = "*"
MAX_LENGTH: Final = 8192
"""Characters of one header, which is room for hundreds of tags."""
BLANK: Final = " \t"
TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
BETWEEN: Final = re.compile(r"[ \t,]*")
"""Both match in one way only, the latter always: each character of a header is looked at once."""


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The tags of either header; None where it was not sent."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    def unmet(self, tag: str | None) -> str:
        """Why the request is not for a record with this tag, or for none where the tag is None; empty where it is."""
        if self.match is not None and tag is None:
            return "there is no record, and If-Match is for one that is there"
        if self.match is not None and not self.match & {tag, ANY}:
            if f"W/{tag}" in self.match:
                return "If-Match takes no weak tags: send the record's ETag as it is, without W/"
            return "the record has changed since it was read: read it again"
        if self.none_match is None or tag is None:
            return ""
        if ANY in self.none_match:
            return "the record exists, and If-None-Match: * is for one that does not: read it, and send If-Match"
        if tag in {each.removeprefix("W/") for each in self.none_match}:
            return "the record still has a tag that If-None-Match names"
        return ""


def preconditions(match: str | None, none_match: str | None) -> Preconditions:
    """The preconditions of the headers If-Match and If-None-Match. Raises HeaderInvalid."""
    return Preconditions(_tags("If-Match", match), _tags("If-None-Match", none_match))


def _tags(name: str, header: str | None) -> frozenset[str] | None:
    if header is None:
        return None
    if len(header) > MAX_LENGTH:
        raise HeaderInvalid(f"{name} is longer than {MAX_LENGTH} characters: send fewer tags", parameter=name)
    if header.strip(BLANK) == ANY:
        return frozenset({ANY})
    tags: set[str] = set()
    end, separated = _gap(header, 0)
    while end < len(header):
        tag = TAG.match(header, end) if separated or not tags else None
        if tag is None:
            rule = f'{name} is either * or tags in double quotes, separated by commas, such as "3"'
            raise HeaderInvalid(rule, parameter=name)
        tags.add(tag[0])
        end, separated = _gap(header, tag.end())
    return frozenset(tags)


def _gap(header: str, begin: int) -> tuple[int, bool]:
    """Where what separates tags ends, and whether a comma is in it; a list may have empty elements."""
    end = BETWEEN.match(header, begin).end()  # type: ignore[union-attr]
    return end, header.find(",", begin, end) >= 0
