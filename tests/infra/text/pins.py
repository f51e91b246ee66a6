"""What comes from elsewhere, and how it is held: images, actions and charts by file, as docs/pins.md lists them."""

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
_ROW: Final = re.compile(r"^\| `(?P<name>[^`]+)`(?: (?P<version>\S+))? \| (?P<places>[^|]+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pin:
    """Something from elsewhere in a file: how docs/pins.md would call it, and whether its contents are held, too."""

    name: str
    exact: bool
    held: bool
    path: str


def image(reference: str, path: str) -> Pin:
    """An image by tag, which should be exact, and perhaps by digest."""
    found = _IMAGE.fullmatch(reference)
    if found is None:
        return Pin(reference, exact=False, held=False, path=path)
    return Pin(found["name"], exact=bool(_EXACT.fullmatch(found["tag"])), held="@sha256:" in reference, path=path)


def action(reference: str, path: str) -> Pin:
    """An action by SHA, or by a version, which should be exact."""
    found = _ACTION.fullmatch(reference)
    version = found["version"] if found else ""
    held = bool(re.fullmatch(r"[0-9a-f]{40}", version))
    return Pin(reference, exact=held or bool(_CHART.fullmatch(version)), held=held, path=path)


def chart(name: str, version: str, path: str) -> Pin:
    """A chart by its version, which should be exact: no digest is known to those who name it."""
    return Pin(f"{name} {version}", exact=bool(_CHART.fullmatch(version)), held=False, path=path)


def pins(path: str, text: str) -> Iterator[Pin]:
    """What the file with this path in the repository takes from elsewhere."""
    name = Path(path).name
    if name == "Dockerfile":
        yield from _dockerfile(path, text)
    elif name.endswith(".py"):
        yield from (
            image(each, path) for each in re.findall(r'^[A-Z_]+: Final = "([\w./-]+:[\w.-]+)"$', text, re.MULTILINE)
        )
    elif "/templates/" in path:
        # An image stands among the values; a template that names one itself escapes them.
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
    """Charts that Terraform fetches: their version is a variable's default in the cluster's root."""
    defaults = {name: body.get("default") for name, body in blocks(FOLDERS["cluster"], "variable")}
    for folder in FOLDERS.values():
        for file in folder.glob("*.tf"):
            for block in parsed(file).get("resource", []):
                for body in block.get("helm_release", {}).values():
                    if "repository" in body:
                        version = re.sub(r"^var\.(\w+)$", lambda found: str(defaults[found[1]]), body["version"])
                        yield chart(body["chart"], version, "terraform/cluster/variables.tf")


def everything() -> list[Pin]:
    """What the project takes from elsewhere, but for packages, which have locks."""
    return [*(pin for path, text in texts(*_FILES).items() for pin in pins(path, text)), *releases()]


def listed(text: str) -> dict[str, set[str]]:
    """What docs/pins.md lists, and the places where it says that each stands."""
    return {
        " ".join(filter(None, (row["name"], row["version"]))): set(re.findall(r"`([^`]+)`", row["places"]))
        for row in _ROW.finditer(text)
    }


def complaints(found: Iterable[Pin], known: Mapping[str, set[str]]) -> list[str]:
    """What is not held as it should be, and what is listed and stands nowhere, a line each."""
    found = list(found)
    told = [f"{pin.path}: {pin.name} is not exact" for pin in found if not pin.exact]
    told += [
        f"{pin.path}: {pin.name} is held by no digest, and docs/pins.md does not list it there"
        for pin in found
        if not pin.held and not any(_within(pin.path, place) for place in known.get(pin.name, ()))
    ]
    for name, places in known.items():
        stands = [pin.path for pin in found if pin.name == name]
        unused = [place for place in sorted(places) if not any(_within(path, place) for path in stands)]
        told += [f"docs/pins.md: {name} does not stand in {place}" for place in unused]
    return told


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def has_end(constraint: str) -> bool:
    """Whether the constraint of Terraform ends below some version."""
    parts = [part.strip() for part in constraint.split(",")]
    return any(re.fullmatch(r"(?:=?|<=?|~>) *\d[\w.-]*", part) for part in parts)
