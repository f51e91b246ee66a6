"""What hides a column: a non-public classification or a sensitive tag, anywhere in its part of the contract.

Reads the document itself, not the standard's model, which drops what it does not know.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

CLASSIFICATION: Final = "classification"
WORDS: Final = re.compile(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Separators of a tag's words: non-alphanumeric characters, and camel-case boundaries."""

DENIALS: Final = (False, "false", "no", "none", "0", 0)
"""Values with which a customProperty such as `pii` denies that the data is of that kind; so does an empty one."""


@dataclass(frozen=True, slots=True)
class ClassificationPolicy:
    """The public classifications, normalized, and the words that make a tag hide."""

    public: frozenset[str] = frozenset({"public"})
    hidden_tags: frozenset[str] = frozenset(
        {"pii", "phi", "sensitive", "confidential", "restricted", "secret", "private"}
    )

    def is_public(self, classification: object) -> bool:
        """Whether this classification hides nothing; a value that is not text hides."""
        return isinstance(classification, str) and normalize(classification) in self.public

    def hides(self, tag: object) -> bool:
        """Whether a word of this tag hides, or several in a row."""
        return _among(self.hidden_tags).search(_spaced(str(tag))) is not None


STRICT: Final = ClassificationPolicy()
"""The policy unless settings change it."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """A reason why a column is hidden: the path, such as `actor.login` or `tags[]`, and what was found there."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def normalize(text: str) -> str:
    """The text in the form in which classifications and tags are compared."""
    return text.strip().casefold()


def words(text: str) -> list[str]:
    """The words of a tag or a name, in lower case; compatibility forms of letters are unified."""
    return [normalize(word) for word in WORDS.split(unicodedata.normalize("NFKC", text)) if word]


def _spaced(text: str) -> str:
    return f" {' '.join(words(text))} "


@lru_cache(maxsize=8)
def _among(hidden: frozenset[str]) -> re.Pattern[str]:
    """Finds one of them in a `_spaced` text, however its words are separated: `personal data`, `personalData`."""
    letters = ("".join(words(text)) for text in sorted(hidden))
    found = "|".join(" ?".join(map(re.escape, one)) for one in letters if one)
    return re.compile(f" (?:{found}) " if found else r"(?!)")


def column_restrictions(
    document: Mapping[str, Any], policy: ClassificationPolicy
) -> dict[str, tuple[Restriction, ...]]:
    """The reasons why each column is hidden, by name; empty if it is not.

    Tags and classifications of the document or its schema apply to every column; if two properties share a name, both
    apply.
    """
    schema = document["schema"][0]
    description = document.get("description")
    parts = (
        (document, "the document"),
        (description if isinstance(description, Mapping) else {}, "the document"),
        (schema, "the schema"),
    )
    everywhere = tuple(reason for part, path in parts for reason in _own(part, path, policy))
    found: dict[str, tuple[Restriction, ...]] = {}
    for item in _list(schema.get("properties")):
        name = str(item["name"])
        found[name] = (*found.get(name, everywhere), *_within(item, name, policy))
    return found


def nested(element: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The directly nested elements with their paths: an object's properties, an array's items, a map's keys and
    values."""
    for child in _list(element.get("properties")):
        if isinstance(child, Mapping):
            yield f"{path}.{child.get('name', '?')}", child
    items = element.get("items")
    for child in [items] if isinstance(items, Mapping) else _list(items):
        if isinstance(child, Mapping):
            yield f"{path}[]", child
    parts = element.get("map")
    for word, child in parts.items() if isinstance(parts, Mapping) else ():
        if isinstance(child, Mapping):
            yield f"{path}{{{word}}}", child


def _within(element: Mapping[str, Any], path: str, policy: ClassificationPolicy) -> Iterator[Restriction]:
    yield from _own(element, path, policy)
    for inner, child in nested(element, path):
        yield from _within(child, inner, policy)


def _own(element: Mapping[str, Any], path: str, policy: ClassificationPolicy) -> Iterator[Restriction]:
    found = element.get(CLASSIFICATION)
    if found is not None and not policy.is_public(found):
        yield Restriction(path, f"classification {found!r}")
    for tag in _list(element.get("tags")):
        if policy.hides(tag):
            yield Restriction(path, f"tag {str(tag)!r}")
    for item in _list(element.get("customProperties")):
        if isinstance(item, Mapping):
            yield from _custom(item, path, policy)


def _custom(item: Mapping[str, Any], path: str, policy: ClassificationPolicy) -> Iterator[Restriction]:
    """Reasons in a customProperty: a `…classification`, or a name with a hiding word whose value does not deny it."""
    name, value = str(item.get("property")), item.get("value")
    if CLASSIFICATION in words(name):
        hides = value is not None and not policy.is_public(value)
    else:
        hides = policy.hides(name) and (normalize(value) if isinstance(value, str) else value) not in DENIALS
    if hides:
        yield Restriction(path, f"customProperty {item.get('property')}: {value!r}")


def _list(value: object) -> Sequence[Any]:
    """The items of a list, or the values of a mapping; any other value as the single item, and None as no item."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return [] if value is None else [value]
