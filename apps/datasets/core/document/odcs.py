"""Converts an Open Data Contract Standard v3 document to a contract. Source: bitol.io, ODCS v3.1."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft201909Validator, ValidationError
from open_data_contract_standard.model import OpenDataContractStandard

from apps.datasets.core.contract.classification import STRICT, ClassificationPolicy, column_restrictions
from apps.datasets.core.contract.contract import Contract, ContractField, LatePolicy, UnknownFieldsPolicy, WriteMode
from apps.datasets.core.contract.identifiers import TOPIC, name_faults
from apps.datasets.core.document.contract_rules import contract_problems
from apps.datasets.core.document.custom_properties import CustomProperties
from apps.datasets.core.document.odcs_properties import field_from_property
from apps.datasets.core.errors import ContractInvalid, ContractProblem
from apps.datasets.core.record.formats import FORMATS

SECONDS: Final = {
    **dict.fromkeys(("s", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
    **dict.fromkeys(("y", "yr", "year", "years"), 31_557_600),
}
"""Seconds of the units of slaProperties."""

SCHEMA: Final = "$.schema[0]"


def _schema() -> Any:
    return json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))


@cache
def _validator() -> Draft201909Validator:
    return Draft201909Validator(_schema())


def contract_from_odcs(document: object, *, stored: bool = False, policy: ClassificationPolicy = STRICT) -> Contract:
    """The contract that the document describes; the policy decides which classifications hide nothing.

    A document that was already applied (`stored`) is not validated against the standard again, which takes 35 ms.
    Raises ContractInvalid: every violated rule, with the path in the document.
    """
    if not isinstance(document, Mapping):
        raise ContractInvalid(
            [ContractProblem("$", "the document is not a mapping", "start it with apiVersion: v3.1.0")]
        )
    problems = [] if stored else list(_schema_problems(document))
    if problems:
        raise ContractInvalid(problems)
    parsed = OpenDataContractStandard.model_validate(document)
    reader = _OdcsParser(parsed.model_dump(by_alias=True, exclude_none=True))
    contract = _with_restrictions(reader.contract(), document, policy)
    problems = reader.problems or list(contract_problems(contract))
    if problems:
        raise ContractInvalid(problems)
    return contract


def _with_restrictions(contract: Contract, document: Mapping[str, Any], policy: ClassificationPolicy) -> Contract:
    found = column_restrictions(document, policy)
    return replace(contract, fields=tuple(replace(field, restrictions=found[field.name]) for field in contract.fields))


def _schema_problems(document: Mapping[str, object]) -> Iterator[ContractProblem]:
    schemas = document.get("schema")
    if not isinstance(schemas, Sequence) or len(schemas) != 1:
        yield ContractProblem("$.schema", "a contract has exactly one schema", "write one document per dataset")
    for error in sorted(_validator().iter_errors(document), key=lambda e: e.json_path):
        yield ContractProblem(error.json_path, error.message[:200], _remedy(error))


def _remedy(error: ValidationError) -> str:
    """The closest of the allowed values, if one is close."""
    allowed = error.validator_value if error.validator == "enum" else []
    near = get_close_matches(str(error.instance), list(map(str, allowed)), n=1)
    return f"did you mean {near[0]!r}?" if near else "see the Open Data Contract Standard v3"


class _OdcsParser:
    """Reads one document that conforms to the standard, and collects what Andén does not support."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.schema: Mapping[str, Any] = document["schema"][0]
        self.properties: Sequence[Mapping[str, Any]] = self.schema.get("properties") or ()
        self.problems: list[ContractProblem] = []

    def contract(self) -> Contract:
        """The contract, as far as it could be read."""
        custom = CustomProperties(self.schema.get("customProperties") or (), f"{SCHEMA}.customProperties")
        mode = custom.choice("mode", WriteMode.APPEND)
        contract = Contract(
            name=self._name(),
            topic=self._topic(),
            version=str(self.document["version"]),
            description=str(self.schema.get("description") or ""),
            fields=self._fields(),
            mode=mode,
            key=self._key(),
            event_time=self._event_time(),
            unknown_fields=custom.choice("unknownFields", UnknownFieldsPolicy.REJECT),
            api_writes=custom.flag("apiWrites"),
            orders=custom.orders(),
            filters=custom.names("filters"),
            late=custom.choice("late", LatePolicy.QUARANTINE),
            earliest=custom.month("earliest"),
            latest=custom.month("latest"),
            format=custom.one_of("format", FORMATS, "json"),
            retention_days=self._days("retention"),
            latency_s=self._seconds("latency"),
            topic_spec=custom.topic(),
        )
        self.problems += custom.problems
        return contract

    def _refuse(self, path: str, rule: str, remedy: str = "") -> None:
        self.problems.append(ContractProblem(path, rule, remedy))

    def _name(self) -> str:
        name: str = self.schema["name"]
        for fault in name_faults(name):
            self._refuse(f"{SCHEMA}.name", f"{name!r}: {fault}", "choose another name")
        return name

    def _topic(self) -> str:
        topic: str = self.schema.get("physicalName") or self.schema["name"]
        if not TOPIC.fullmatch(topic) or topic in {".", ".."}:
            rule = f"{topic!r} is not a valid topic name"
            self._refuse(f"{SCHEMA}.physicalName", rule, "use letters, digits, '.', '_' and '-'")
        return topic

    def _fields(self) -> tuple[ContractField, ...]:
        fields: list[ContractField] = []
        for index, item in enumerate(self.properties):
            field, problems = field_from_property(item, f"{SCHEMA}.properties[{index}]")
            self.problems += problems
            if field is not None:
                fields.append(field)
        return tuple(fields)

    def _key(self) -> tuple[str, ...]:
        members = [item for item in self.properties if item.get("primaryKey")]
        positions = [item.get("primaryKeyPosition", 1) for item in members]
        if len(set(positions)) < len(positions):
            self._refuse(f"{SCHEMA}.properties", "two key properties share a primaryKeyPosition", "count from 1")
        ordered = sorted(zip(positions, members, strict=True), key=lambda pair: pair[0])
        return tuple(item["name"] for _, item in ordered)

    def _event_time(self) -> str | None:
        times = [item["name"] for item in self.properties if item.get("partitioned")]
        if len(times) > 1:
            rule = f"{', '.join(map(repr, times))} are all partitioned"
            self._refuse(f"{SCHEMA}.properties", rule, "mark the one property that is the event time")
        return times[0] if times else None

    def _days(self, word: str) -> int | None:
        seconds = self._seconds(word)
        return None if seconds is None else max(1, round(seconds / SECONDS["d"]))

    def _seconds(self, word: str) -> float | None:
        for index, item in enumerate(self.document.get("slaProperties") or ()):
            if item.get("property") != word:
                continue
            unit, value = SECONDS.get(str(item.get("unit", "d"))), item.get("value")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if unit and number and 0 < value * unit <= sys.float_info.max:
                return float(value * unit)
            rule = f"{word} is not a number above 0 with a unit of time"
            self._refuse(f"$.slaProperties[{index}]", rule, f"units: {', '.join(sorted(SECONDS))}")
        return None
