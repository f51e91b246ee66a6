"""Contract files: YAML in, YAML out."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from apps.datasets.core.errors import ContractInvalid, ContractProblem


class _ContractLoader(yaml.SafeLoader):
    """YAML without implicit dates, which ODCS expects as strings, and without duplicate keys.

    Of two `classification` keys in one element, the last would win and the first be lost.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The mapping as written, before merge keys are resolved."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                problem = f"duplicate key {key.value!r}: keep one"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
            keys.add(str(key.value))
        return node


_ContractLoader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def document_paths(path: Path) -> list[Path]:
    """The file itself, or the folder's *.yaml and *.yml, by name.

    Raises ContractInvalid: no such file, or an empty folder.
    """
    if path.is_dir():
        found = sorted({*path.glob("*.yaml"), *path.glob("*.yml")})
        if not found:
            raise ContractInvalid(
                [ContractProblem(str(path), "the folder contains no *.yaml", "name a file or another folder")]
            )
        return found
    if not path.is_file():
        raise ContractInvalid([ContractProblem(str(path), "no such file or folder", "check the path")])
    return [path]


def documents(path: Path) -> Iterator[tuple[Path, Any]]:
    """Each file's document, in the order of `document_paths`. Raises ContractInvalid: a file is not YAML."""
    for file in document_paths(path):
        try:
            yield file, yaml.load(file.read_text("utf-8"), Loader=_ContractLoader)  # noqa: S506  a SafeLoader
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark else str(file)
            rule = getattr(error, "problem", None) or "it is not UTF-8"
            raise ContractInvalid([ContractProblem(where, f"not YAML: {rule}")]) from error
        except RecursionError as error:
            raise ContractInvalid([ContractProblem(str(file), "nested too deeply", "flatten it")]) from error
        except ValueError as error:
            raise ContractInvalid(
                [ContractProblem(str(file), f"cannot read a value: {error}", "shorten it")]
            ) from error


def document_text(document: Mapping[str, Any]) -> str:
    """The document as YAML, keys in their original order."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)
