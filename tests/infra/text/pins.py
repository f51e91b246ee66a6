"""External images, actions and charts by file, and how they are pinned; docs/pins.md lists them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.infra.repository_files import texts
from tests.infra.terraform_files import FOLDERS, blocks, parsed

_FILES: Final = (":/Dockerfile", ":/compose.yaml", ":/.ci/*.py", ":/.github", ":/charts", ":/gitops", ":/terraform")
_IMAGE: Final = re.compile(r"(?P<name>[\w./-]+(?::\d+/[\w./-]+)?:(?P<tag>[\w.-]+))(?:@sha256:[0-9a-f]{64})?")
_ACTION: Final = re.compile(r"(?P<name>[\w./-]+)@(?P<version>[\w./-]+)")
_EXACT: Final = re.compile(r"v?\d+\.\d+[\w.-]*")
_CHART: Final = re.compile(r"v?\d+\.\d+\.\d+")
_ROW: Final = re.compile(
    r"^\| `(?P<name>[^`]+)`(?: (?P<version>\S+))? \| (?P<locations_listed>[^|]+) \|", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Pin:
    """An external artifact in a file: its name in docs/pins.md, and whether it is pinned by hash."""

    name: str
    exact: bool
    hashed: bool
    path: str


def image(reference: str, path: str) -> Pin:
    """An image reference; its tag should be exact."""
    found = _IMAGE.fullmatch(reference)
    if found is None:
        return Pin(reference, exact=False, hashed=False, path=path)
    return Pin(found["name"], exact=bool(_EXACT.fullmatch(found["tag"])), hashed="@sha256:" in reference, path=path)


def action(reference: str, path: str) -> Pin:
    """An action reference, by SHA or by version, which should be exact."""
    found = _ACTION.fullmatch(reference)
    version = found["version"] if found else ""
    hashed = bool(re.fullmatch(r"[0-9a-f]{40}", version))
    return Pin(reference, exact=hashed or bool(_CHART.fullmatch(version)), hashed=hashed, path=path)


def chart(name: str, version: str, path: str) -> Pin:
    """A chart by version, which should be exact; charts have no digest here."""
    return Pin(f"{name} {version}", exact=bool(_CHART.fullmatch(version)), hashed=False, path=path)


def pins(path: str, text: str) -> Iterator[Pin]:
    """External artifacts that the file uses."""
    name = Path(path).name
    if name == "Dockerfile":
        yield from _dockerfile(path, text)
    elif name.endswith(".py"):
        yield from (
            image(each, path) for each in re.findall(r'^[A-Z_]+: Final = "([\w./-]+:[\w.-]+)"$', text, re.MULTILINE)
        )
    elif "/templates/" in path:
        # Images are set in the values; a literal image in a template bypasses them.
        literal = re.findall(r"^[\s-]*image: *([^\s{][^\n{]*?) *$", text, re.MULTILINE)
        yield from (image(each.strip("\"'"), path) for each in literal)
    elif name == "Chart.yaml":
        for each in yaml.safe_load(text).get("dependencies", []):
            yield chart(each["name"], str(each["version"]), path)
    elif name.endswith((".yaml", ".yml")):
        for document in yaml.safe_load_all(text):
            yield from _document(path, document)


def _dockerfile(path: str, text: str) -> Iterator[Pin]:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE))
    bases = re.findall(r"^FROM (?:--\S+ )*(\S+)|^COPY .*--from=(\S+)", text, re.MULTILINE)
    yield from (image(each, path) for pair in bases for each in pair if each and each not in {*stages, "scratch"})


def _document(path: str, value: Any) -> Iterator[Pin]:
    if isinstance(value, list):
        for each in value:
            yield from _document(path, each)
    if not isinstance(value, Mapping):
        return
    if "tag" in value and "repository" in value:
        parts = [value[key] for key in ("registry", "repository") if value.get(key)]
        digest = f"@{value['digest']}" if value.get("digest") else ""
        yield image(f"{'/'.join(parts)}:{value['tag']}{digest}", path)
    for key, each in value.items():
        if not isinstance(each, str):
            yield from _document(path, each)
        elif key == "uses" and not each.startswith("./"):
            yield image(each[9:], path) if each.startswith("docker://") else action(each, path)
        elif re.search(r"^container$|[iI]mage(?:Name)?$", str(key)) and "build" not in value and each:
            yield image(each, path)


def releases() -> Iterator[Pin]:
    """Charts that Terraform fetches, with the version from the cluster root's variable defaults."""
    defaults = {name: body.get("default") for name, body in blocks(FOLDERS["cluster"], "variable")}
    for folder in FOLDERS.values():
        for file in folder.glob("*.tf"):
            for block in parsed(file).get("resource", []):
                for body in block.get("helm_release", {}).values():
                    if "repository" in body:
                        version = re.sub(r"^var\.(\w+)$", lambda found: str(defaults[found[1]]), body["version"])
                        yield chart(body["chart"], version, "terraform/cluster/variables.tf")


def all_pins() -> list[Pin]:
    """All external artifacts except packages, which have lock files."""
    return [*(pin for path, text in texts(*_FILES).items() for pin in pins(path, text)), *releases()]


def listed(text: str) -> dict[str, set[str]]:
    """Locations by name, as listed in docs/pins.md."""
    return {
        " ".join(filter(None, (row["name"], row["version"]))): set(re.findall(r"`([^`]+)`", row["locations_listed"]))
        for row in _ROW.finditer(text)
    }


def violations(found: Iterable[Pin], known: Mapping[str, set[str]]) -> list[str]:
    """Artifacts that are not pinned, and listed pins that are unused, one line each."""
    found = list(found)
    lines = [f"{pin.path}: {pin.name} is not exact" for pin in found if not pin.exact]
    lines += [
        f"{pin.path}: {pin.name} has no digest, and docs/pins.md does not list it there"
        for pin in found
        if not pin.hashed and not any(_within(pin.path, location) for location in known.get(pin.name, ()))
    ]
    for name, locations_listed in known.items():
        locations = [pin.path for pin in found if pin.name == name]
        unused = [
            location for location in sorted(locations_listed) if not any(_within(path, location) for path in locations)
        ]
        lines += [f"docs/pins.md: {name} is not in {location}" for location in unused]
    return lines


def _within(path: str, location: str) -> bool:
    return path == location or path.startswith(f"{location}/")


def has_end(constraint: str) -> bool:
    """Whether the Terraform version constraint has an upper bound."""
    parts = [part.strip() for part in constraint.split(",")]
    return any(re.fullmatch(r"(?:=?|<=?|~>) *\d[\w.-]*", part) for part in parts)
