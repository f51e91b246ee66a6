"""Placeholders in the manifest: `${ANDEN_GRAFANA_…}` becomes the setting; secrets are kept separately."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.monitoring.errors import ManifestInvalid
from apps.monitoring.grafana.sync.objects import (
    Body,
    GrafanaObject,
    Manifest,
    ObjectKey,
    ObjectKind,
    keys_of,
    rules_of,
)

PLACEHOLDER: Final = re.compile(r"\$\{(ANDEN_[A-Z0-9_]+)\}")
ROUNDS: Final = 50_000
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PlaceholderValues:
    """The values of placeholders by variable, plain and secret; "" means not set."""

    plain: Mapping[str, str]
    secret: Mapping[str, str]

    def __repr__(self) -> str:
        return f"PlaceholderValues(plain={sorted(self.plain)}, secret={sorted(self.secret)})"


def resolve_placeholders(manifest: Manifest, values: PlaceholderValues) -> tuple[Manifest, list[str]]:
    """The manifest with its values filled in, secrets kept out of the bodies; and messages about skipped objects.

    A data source whose variable is not set is skipped, with the rules that query it.

    Raises ManifestInvalid: names each unset or unknown variable and the object that needs it.
    """
    skipped = _skipped_objects(manifest, values)
    faults: list[str] = []
    objects = []
    for item in manifest.objects:
        if item.key in skipped:
            continue
        missing = _missing(item, values)
        if missing:
            faults.append(f"{', '.join(missing)} is not set, but {item.key} needs it")
        else:
            objects.append(_resolve(item, values))
    if faults:
        raise ManifestInvalid("\n".join(faults))
    keys = frozenset(key for item in manifest.objects if item.key in skipped for key in keys_of(item))
    return Manifest(tuple(objects), manifest.skipped | keys), list(skipped.values())


def _skipped_objects(manifest: Manifest, values: PlaceholderValues) -> dict[ObjectKey, str]:
    """The skipped objects, each with a message."""
    found: dict[ObjectKey, str] = {}
    uids: set[str] = set()
    for item in manifest.objects:
        missing = _missing(item, values) if item.key.kind is ObjectKind.DATA_SOURCE else []
        if missing:
            found[item.key] = f"{item.key} skipped: {', '.join(missing)} is not set"
            uids.add(item.key.uid)
    for item in manifest.objects:
        queried = {query.get("datasourceUid") for rule in rules_of(item) for query in rule.get("data") or ()}
        if queried & uids:
            found[item.key] = f"{item.key} skipped: it queries {', '.join(sorted(queried & uids))}"
    return found


def _missing(item: GrafanaObject, values: PlaceholderValues) -> list[str]:
    """Variables in the object that are not set."""
    return sorted(name for name in _named(item.body) if not (values.plain.get(name) or values.secret.get(name)))


def _named(body: Body) -> set[str]:
    """Variables in the body."""
    return {name for _, text in texts(body) for name in PLACEHOLDER.findall(text)}


def _resolve(item: GrafanaObject, values: PlaceholderValues) -> GrafanaObject:
    body: Body = _filled(item.body, values.plain)
    everything = {**values.plain, **values.secret}
    secrets = {path: _replace(text, everything) for path, text in texts(body) if PLACEHOLDER.search(text)}
    return GrafanaObject(item.key, item.title, body, secrets)


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string of a JSON value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from texts(part, (*path, index))


def _filled(value: Any, plain: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _replace(value, plain)
    if isinstance(value, dict):
        return {name: _filled(part, plain) for name, part in value.items()}
    return [_filled(part, plain) for part in value] if isinstance(value, list) else value


def _replace(text: str, known: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: known.get(match[1]) or match[0], text)


def secret_name(key: ObjectKey, path: Path) -> str:
    """The key of a secret's hash."""
    return f"{key}: {'.'.join(str(step) for step in path)}"


def secret_hash(secret: str, salt: str) -> str:
    """A slow salted hash, stored instead of a secret that was sent."""
    digest = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), ROUNDS)
    return f"{salt}${digest.hex()}"


def is_hash_of(stored: str, secret: str) -> bool:
    """Whether the stored hash matches the secret."""
    return hmac.compare_digest(stored, secret_hash(secret, stored.partition("$")[0]))
