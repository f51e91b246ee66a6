"""Andén's customProperties in the schema of a contract."""

import datetime
import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

from apps.datasets.core.contract.contract import Order, OrderColumn, TopicSpec
from apps.datasets.core.errors import ContractProblem

WORDS: Final = frozenset(
    {"mode", "unknownFields", "apiWrites", "orders", "filters", "late", "earliest", "latest", "format", "topic"}
)
CLEANUP: Final = frozenset({"delete", "compact", "compact,delete"})
Choice = TypeVar("Choice", bound=StrEnum)


class CustomProperties:
    """Reads the properties one by one and collects invalid ones in `problems`."""

    def __init__(self, items: Sequence[Mapping[str, Any]], path: str) -> None:
        self.problems: list[ContractProblem] = []
        self._found: dict[str, tuple[str, object]] = {}
        for index, item in enumerate(items):
            self._add(item, f"{path}[{index}]")

    def _add(self, item: Mapping[str, Any], path: str) -> None:
        if item.get("vendor") not in {None, "anden"}:
            return
        word = str(item.get("property"))
        if word not in WORDS:
            self._refuse(f"{path}.property", f"unknown property {word!r}", f"use {', '.join(sorted(WORDS))}")
        elif word in self._found:
            self._refuse(f"{path}.property", f"duplicate property {word!r}", "keep one")
        else:
            self._found[word] = (f"{path}.value", item.get("value"))

    def _refuse(self, path: str, rule: str, remedy: str = "") -> None:
        self.problems.append(ContractProblem(path, rule, remedy))

    def choice(self, word: str, default: Choice) -> Choice:
        """One of the choices of the default's type."""
        kind = type(default)
        return kind(self.one_of(word, [item.value for item in kind], default.value))

    def one_of(self, word: str, names: Collection[str], default: str) -> str:
        """One of these names."""
        path, value = self._found.get(word, ("", default))
        if isinstance(value, str) and value in names:
            return value
        self._refuse(path, f"{value!r} is not a valid {word}", f"use {', '.join(names)}")
        return default

    def flag(self, word: str) -> bool:
        """True or false; false if the property is absent."""
        path, value = self._found.get(word, ("", False))
        if not isinstance(value, bool):
            self._refuse(path, f"{word} is not true or false")
        return value is True

    def month(self, word: str) -> datetime.date | None:
        """The first day of a month written as YYYY-MM."""
        path, value = self._found.get(word, ("", None))
        if value is None:
            return None
        match = re.fullmatch(r"(\d{4})-(\d{2})(-01)?", str(value))
        if match and 1 <= int(match[2]) <= 12 and int(match[1]) >= 1:
            return datetime.date(int(match[1]), int(match[2]), 1)
        self._refuse(path, f"{word} is not a month", "write it as YYYY-MM, in quotes")
        return None

    def names(self, word: str) -> tuple[str, ...]:
        """A list of names."""
        path, value = self._found.get(word, ("", []))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._refuse(path, f"{word} is not a list of strings")
            return ()
        return tuple(value)

    def orders(self) -> tuple[Order, ...]:
        """The orders: each a comma-separated list of fields, with `-` in front for descending."""
        return tuple(
            tuple(
                OrderColumn(part.strip().removeprefix("-"), part.strip().startswith("-")) for part in text.split(",")
            )
            for text in self.names("orders")
        )

    def topic(self) -> TopicSpec:
        """Partitions, retentionHours and cleanupPolicy of the topic."""
        path, value = self._found.get("topic", ("", {}))
        if not isinstance(value, Mapping) or not set(value) <= {
            "partitions",
            "retentionHours",
            "cleanupPolicy",
        }:
            self._refuse(path, "topic is not a mapping of partitions, retentionHours and cleanupPolicy")
            return TopicSpec()
        policy = str(value.get("cleanupPolicy", "delete"))
        if policy not in CLEANUP:
            self._refuse(
                f"{path}.cleanupPolicy", f"{policy!r} is not a cleanup policy", f"use {', '.join(sorted(CLEANUP))}"
            )
        return TopicSpec(
            partitions=self._count(value, "partitions", path) or 1,
            retention_hours=self._count(value, "retentionHours", path),
            cleanup_policy=policy,
        )

    def _count(self, value: Mapping[str, object], word: str, path: str) -> int | None:
        number = value.get(word)
        if number is None:
            return None
        if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 100_000:
            return number
        self._refuse(f"{path}.{word}", f"{word} is not a whole number from 1 to 100000")
        return None
