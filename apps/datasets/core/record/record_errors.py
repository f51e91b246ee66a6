"""Why a record is not a row of its contract: every fault, with its field and reason. Only bad records get here."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from apps.datasets.core.contract.contract import Contract, ContractField, UnknownFieldsPolicy
from apps.datasets.core.errors import BadRecord, RecordFault
from apps.datasets.core.record.envelopes import envelope_hint
from apps.datasets.core.record.field_errors import decode_field
from apps.datasets.core.record.json_syntax import BROKEN, Defect, defects, not_utf8, repaired, why_no_object
from apps.datasets.core.record.members import MEMBERS, Members, duplicate_field, have_every_quote, repeated_names
from apps.datasets.core.record.nesting import MAX_NAME, is_too_deep, too_deep, why_too_deep
from apps.datasets.core.record.value_checks import NUL_ESCAPE, nul_check

MAX_FAULTS: Final = 20
MORE: Final = "more"
"""The reason of the last fault, which counts those that are left out."""
_MISPLACED: Final = ("missing_field", "unknown_field")


class RecordExaminer:
    """Finds all faults of a contract's bad records."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._order = [field.name for field in contract.fields]
        self._names = frozenset(self._order)

    def error(self, value: bytes, error: Exception) -> BadRecord:
        """The error about a record that the reader rejected with `error`, a BadRecord or msgspec's."""
        found: Sequence[Defect] = ()
        text = value
        try:
            members = MEMBERS.decode(text)
        except BROKEN:
            found = defects(value)
            text = repaired(value, found)
            try:
                members = MEMBERS.decode(text)
            except BROKEN:
                return why_no_object(value, "the record")
        repeated = _repeated(members, text, found)
        known, unknown = self._in_contract(members, found, repeated), self._beyond_contract(members, found, repeated)
        faults = [*known, *unknown]
        faults = self._with_readers(faults, error, value)
        if faults[0].reason in _MISPLACED and (hint := envelope_hint(self._names, members)):
            faults[0] = faults[0]._replace(message=f"{faults[0].message}; {hint}")
        return bad_record(faults)

    def _in_contract(
        self, members: Members, found: Sequence[Defect], repeated: frozenset[str]
    ) -> Iterator[RecordFault]:
        """The faults of the contract's fields, in its order."""
        spellings: set[str] = set()
        for field in self._contract.fields:
            if field.name in repeated:
                yield duplicate_field(field.name).faults[0]
            if field.name in members:
                yield from _member_faults(field, bytes(members[field.name]), found)
            elif field.required:
                spellings = spellings or {_spelling(name) for name in members}
                hint = ", but has it in another spelling" if _spelling(field.name) in spellings else ""
                yield RecordFault(field.name, "missing_field", f"{field.name!r} is required but missing{hint}")

    def _beyond_contract(
        self, members: Members, found: Sequence[Defect], repeated: frozenset[str]
    ) -> Iterator[RecordFault]:
        """The faults of names, and of fields that the contract does not define, in the record's order."""
        policy = self._contract.unknown_fields
        for defect in found:
            if defect.member not in self._names:
                yield RecordFault("", "not_json", f"a field's name, or an unknown field, {defect.what}")
        for name in members:
            if name in self._names:
                continue
            if name in repeated:
                yield duplicate_field(name).faults[0]
            if policy is UnknownFieldsPolicy.REJECT:
                yield unknown_field(name).faults[0]
            elif policy is UnknownFieldsPolicy.KEEP and is_too_deep(members[name]):
                yield too_deep(name).faults[0]

    def _with_readers(self, faults: list[RecordFault], error: Exception, value: bytes) -> list[RecordFault]:
        """The faults, with the reader's own error if it concerns another field; at least one."""
        if not isinstance(error, BadRecord) and not faults:
            error = why_too_deep(value) or BadRecord("wrong_type", "the record does not fit the contract")
        if not isinstance(error, BadRecord) or error.field in {fault.field for fault in faults}:
            return faults
        order = {"": -1} | {name: at for at, name in enumerate(self._order)}
        return sorted([*faults, *error.faults], key=lambda fault: order.get(fault.field, len(order)))


def unknown_field(name: str) -> BadRecord:
    """The error about a field that the contract does not define."""
    return BadRecord("unknown_field", f"{name[:MAX_NAME]!r} is not in the contract", field=name[:MAX_NAME])


def bad_record(faults: Sequence[RecordFault]) -> BadRecord:
    """The error with these faults, at least one; after MAX_FAULTS of them, only their number."""
    first, listed = faults[0], list(faults[:MAX_FAULTS])
    if len(faults) > MAX_FAULTS:
        listed.append(RecordFault("", MORE, f"and {len(faults) - MAX_FAULTS} more"))
    return BadRecord(first.reason, first.message, field=first.field, faults=listed)


def _repeated(members: Members, text: bytes, found: Sequence[Defect]) -> frozenset[str]:
    """The names that occur more than once, without those that are alike only because of what replaces a defect."""
    if have_every_quote([members], text):
        return frozenset()
    return frozenset(name for name in repeated_names(text) if not found or "\ufffd" not in name)


def _member_faults(field: ContractField, part: bytes, found: Sequence[Defect]) -> Iterator[RecordFault]:
    """The fault of one field's JSON, if any."""
    for defect in found:
        if defect.member == field.name:
            yield RecordFault(field.name, "not_json", f"{field.name!r} {defect.what}")
            return
    try:
        value = decode_field(field, part)
        if value is None and field.required:
            yield RecordFault(field.name, "missing_field", f"{field.name!r} is required but null")
        elif isinstance(value, msgspec.Raw):
            yield from _document_faults(field.name, part)
        if NUL_ESCAPE in part and value is not None:
            nul_check(field.name)(value)
    except BadRecord as bad:
        yield bad.faults[0]


def _document_faults(name: str, part: bytes) -> Iterator[RecordFault]:
    if rule := not_utf8(part):
        yield RecordFault(name, "not_json", f"{name!r} {rule}")
    elif is_too_deep(part):
        yield too_deep(name).faults[0]


def _spelling(name: str) -> str:
    """The name without letter case and separators."""
    return name.casefold().replace("_", "").replace("-", "")
