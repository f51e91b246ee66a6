"""Values of the environment in the manifest: `${ANDEN_GRAFANA_…}` becomes the setting; secrets stay sealed."""

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
    """What placeholders stand for: plain values, and secrets, both by the variable's name; "" is not set."""

    plain: Mapping[str, str]
    secret: Mapping[str, str]

    def __repr__(self) -> str:
        return f"PlaceholderValues(plain={sorted(self.plain)}, secret={sorted(self.secret)})"


def resolved(manifest: Manifest, values: PlaceholderValues) -> tuple[Manifest, list[str]]:
    """The manifest with plain values in place and each secret sealed beside its body, and what was left out.

    A data source whose variable is not set is left out, with the rules that ask it: not every station has each.

    Raises ManifestInvalid: names each variable that is not set, or that no setting has, and who needs it.
    """
    left_out = _left_out(manifest, values)
    faults: list[str] = []
    objects = []
    for item in manifest.objects:
        if item.key in left_out:
            continue
        missing = _missing(item, values)
        if missing:
            faults.append(f"{', '.join(missing)} is not set, and {item.key} needs it")
        else:
            objects.append(_resolved(item, values))
    if faults:
        raise ManifestInvalid("\n".join(faults))
    keys = frozenset(key for item in manifest.objects if item.key in left_out for key in keys_of(item))
    return Manifest(tuple(objects), manifest.left_out | keys), list(left_out.values())


def _left_out(manifest: Manifest, values: PlaceholderValues) -> dict[ObjectKey, str]:
    """What is left out, and why."""
    found: dict[ObjectKey, str] = {}
    uids: set[str] = set()
    for item in manifest.objects:
        missing = _missing(item, values) if item.key.kind is ObjectKind.DATA_SOURCE else []
        if missing:
            found[item.key] = f"{item.key} is left out: {', '.join(missing)} is not set"
            uids.add(item.key.uid)
    for item in manifest.objects:
        asked = {query.get("datasourceUid") for rule in rules_of(item) for query in rule.get("data") or ()}
        if asked & uids:
            found[item.key] = f"{item.key} is left out: it asks {', '.join(sorted(asked & uids))}"
    return found


def _missing(item: GrafanaObject, values: PlaceholderValues) -> list[str]:
    """The variables that the object refers to and that have no value."""
    return sorted(name for name in _named(item.body) if not (values.plain.get(name) or values.secret.get(name)))


def _named(body: Body) -> set[str]:
    """The variables that a body refers to."""
    return {name for _, text in texts(body) for name in PLACEHOLDER.findall(text)}


def _resolved(item: GrafanaObject, values: PlaceholderValues) -> GrafanaObject:
    body: Body = _filled(item.body, values.plain)
    everything = {**values.plain, **values.secret}
    sealed = {path: _replace(text, everything) for path, text in texts(body) if PLACEHOLDER.search(text)}
    return GrafanaObject(item.key, item.title, body, sealed)


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string of a JSON value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from texts(part, (*path, place))


def _filled(value: Any, plain: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _replace(value, plain)
    if isinstance(value, dict):
        return {name: _filled(part, plain) for name, part in value.items()}
    return [_filled(part, plain) for part in value] if isinstance(value, list) else value


def _replace(text: str, known: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: known.get(match[1]) or match[0], text)


def secret_name(key: ObjectKey, path: Path) -> str:
    """Under which a secret's hash is kept."""
    return f"{key}: {'.'.join(str(step) for step in path)}"


def secret_hash(secret: str, salt: str) -> str:
    """A hash that a guess costs time to test, with its salt: what is stored of a secret that was sent."""
    digest = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), ROUNDS)
    return f"{salt}${digest.hex()}"


def is_hash_of(stored: str, secret: str) -> bool:
    """Whether the stored hash is the secret's."""
    return hmac.compare_digest(stored, secret_hash(secret, stored.partition("$")[0]))
