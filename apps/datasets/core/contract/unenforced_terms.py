"""The terms of a document that are kept without effect; listed wherever a contract is shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from apps.datasets.core.contract.classification import nested, normalize

INACTIVE: Final = frozenset({"proposed", "draft", "deprecated", "retired"})
"""ODCS statuses of a contract that is not active yet, or no longer."""
ENFORCED_SLA: Final = "latency"
SLA: Final = {"retention": "no row is deleted because of its age"}
DOCUMENT: Final = {
    "servers": "brokers and database come from the settings, the record format from customProperties",
    "roles": "`clients create` grants access",
}
SCHEMA: Final = {
    "quality": "schema-level checks are not run",
    "relationships": "no row is looked up in another table",
}
PROPERTY: Final = {
    "quality": "kept as text, no check is run",
    "relationships": "no row is looked up in another table",
    "encryptedName": "nothing is encrypted",
    "transformLogic": "the value is stored as received",
}
INSIDE: Final = ("logicalType", "physicalType", "required", "unique", "enum", "logicalTypeOptions", "quality")
"""Terms of a nested element about its values. None is checked: an object or array is any JSON of its shape."""


def unenforced_terms(document: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence for each term of the document without effect, such as `retention: no row is …`."""
    schema = document["schema"][0]
    return (*_agreements(document), *_document(document), *_words(schema, SCHEMA), *_properties(schema))


def _agreements(document: Mapping[str, Any]) -> Iterator[str]:
    for item in document.get("slaProperties") or ():
        word = str(item.get("property"))
        if word != ENFORCED_SLA:
            yield f"{word}: {SLA.get(word, 'not measured')}"


def _document(document: Mapping[str, Any]) -> Iterator[str]:
    status = str(document.get("status"))
    if normalize(status) in INACTIVE:
        yield f"status {status}: has no effect, the table is created and its topic is read"
    yield from _words(document, DOCUMENT)


def _words(part: Mapping[str, Any], meanings: Mapping[str, str], prefix: str = "") -> Iterator[str]:
    for word, meaning in meanings.items():
        if part.get(word):
            yield f"{prefix}{word}: {meaning}"


def _properties(schema: Mapping[str, Any]) -> Iterator[str]:
    for item in schema.get("properties") or ():
        name = str(item["name"])
        yield from _words(item, PROPERTY, f"{name}, ")
        # The items of an array with its own type are checked against that type, and nothing else.
        typed = str(item.get("physicalType", "")).rstrip().endswith("]")
        found = [word for word in _inside(item, name) if not (typed and word in {"logicalType", "physicalType"})]
        if found:
            yield f"{name}, nested {', '.join(dict.fromkeys(found))}: not checked"


def _inside(element: Mapping[str, Any], path: str) -> Sequence[str]:
    found: list[str] = []
    for inner, child in nested(element, path):
        found += [word for word in INSIDE if child.get(word)]
        found += _inside(child, inner)
    return found
