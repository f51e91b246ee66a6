"""JSON Merge Patch on raw JSON text, so that numbers keep their digits. Source: RFC 7396, 2."""

from collections.abc import Mapping
from typing import Final

import msgspec

from apps.datasets.core.record.nesting import too_deep

NULL: Final = b"null"
OPENING: Final = b"{"

Members = Mapping[str, msgspec.Raw]


def merge(target: Members, patch: Members) -> dict[str, msgspec.Raw]:
    """The target's members after the patch. Raises BadRecord: a member is nested too deep."""
    result = dict(target)
    for name, text in patch.items():
        try:
            _merge(result, name, text)
        except RecursionError:
            raise too_deep(name) from None
    return result


def is_null(text: msgspec.Raw) -> bool:
    """Whether the JSON text is null."""
    return bytes(text).strip() == NULL


def _merge(members: dict[str, msgspec.Raw], name: str, patch: msgspec.Raw) -> None:
    if is_null(patch):
        members.pop(name, None)
        return
    if not is_object(patch):
        members[name] = patch
        return
    stored = members.get(name)
    target = _members(stored) if stored is not None and is_object(stored) else {}
    for inner, text in _members(patch).items():
        _merge(target, inner, text)
    members[name] = msgspec.Raw(msgspec.json.encode(target))


def is_object(text: msgspec.Raw) -> bool:
    """Whether the JSON text is an object."""
    return bytes(text).lstrip().startswith(OPENING)


def _members(text: msgspec.Raw) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
