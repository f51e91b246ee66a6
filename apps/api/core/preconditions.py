"""If-Match and If-None-Match: which state of a record a request is for. Source: RFC 9110, 13.1 and 13.2.2."""

import re
from dataclasses import dataclass
from typing import Final

ANY: Final = "*"
TAG: Final = re.compile(r'\s*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*"|[^,\s][^,]*?)\s*(?:,|$)')
"""A tag, or whatever else stands between commas: that matches nothing."""


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The tags of either header; None where it was not sent."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    def hold(self, tag: str | None) -> bool:
        """Whether the request is for a record with this tag; None stands for a record that is not there."""
        if self.match is not None and (tag is None or not self.match & {tag, ANY}):
            return False
        if self.none_match is None or tag is None:
            return True
        return not {each.removeprefix("W/") for each in self.none_match} & {tag, ANY}


def preconditions(match: str | None, none_match: str | None) -> Preconditions:
    """The preconditions of the headers If-Match and If-None-Match."""
    return Preconditions(_tags(match), _tags(none_match))


def _tags(header: str | None) -> frozenset[str] | None:
    return None if header is None else frozenset(TAG.findall(header))
