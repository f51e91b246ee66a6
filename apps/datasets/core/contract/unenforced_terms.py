"""What of a document is understood and kept, and enforced by nobody: said wherever a contract is shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from apps.datasets.core.contract.classification import nested, normalize

INACTIVE: Final = frozenset({"proposed", "draft", "deprecated", "retired"})
"""What the standard calls a contract that does not count yet, or no longer."""
ENFORCED_SLA: Final = "latency"
SLA: Final = {"retention": "no row is deleted for its age"}
DOCUMENT: Final = {
    "servers": "brokers and database come from the settings, the format of records from customProperties",
    "roles": "clients get their rights by `clients create`",
}
SCHEMA: Final = {
    "quality": "no check of the schema as a whole is run",
    "relationships": "no row is looked up elsewhere",
}
PROPERTY: Final = {
    "quality": "its text is kept, no check is run",
    "relationships": "no row is looked up elsewhere",
    "encryptedName": "nothing is encrypted",
    "transformLogic": "the value is stored as it comes",
}
INSIDE: Final = ("logicalType", "physicalType", "required", "unique", "enum", "logicalTypeOptions", "quality")
"""What a nested element says of its values. Nothing of it is checked: an object or array is any JSON of its shape."""


def unenforced_terms(document: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence for each word of the document that changes nothing yet, such as `retention: no row is …`."""
    schema = document["schema"][0]
    return (*_agreements(document), *_document(document), *_words(schema, SCHEMA), *_properties(schema))


def _agreements(document: Mapping[str, Any]) -> Iterator[str]:
    for item in document.get("slaProperties") or ():
        word = str(item.get("property"))
        if word != ENFORCED_SLA:
            yield f"{word}: {SLA.get(word, 'nobody measures it')}"


def _document(document: Mapping[str, Any]) -> Iterator[str]:
    status = str(document.get("status"))
    if normalize(status) in INACTIVE:
        yield f"status {status}: the table is made and its topic is read all the same"
    yield from _words(document, DOCUMENT)


def _words(part: Mapping[str, Any], meanings: Mapping[str, str], prefix: str = "") -> Iterator[str]:
    for word, meaning in meanings.items():
        if part.get(word):
            yield f"{prefix}{word}: {meaning}"


def _properties(schema: Mapping[str, Any]) -> Iterator[str]:
    for item in schema.get("properties") or ():
        name = str(item["name"])
        yield from _words(item, PROPERTY, f"{name}, ")
        # The elements of an array with a type of its own are checked against that type, and against nothing else.
        typed = str(item.get("physicalType", "")).rstrip().endswith("]")
        found = [word for word in _inside(item, name) if not (typed and word in {"logicalType", "physicalType"})]
        if found:
            yield f"{name}, {', '.join(dict.fromkeys(found))} inside: not checked"


def _inside(element: Mapping[str, Any], path: str) -> Sequence[str]:
    found: list[str] = []
    for inner, child in nested(element, path):
        found += [word for word in INSIDE if child.get(word)]
        found += _inside(child, inner)
    return found
