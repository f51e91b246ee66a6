"""Renders docs/settings.md from the settings classes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import annotated_types
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from apps.telemetry.environment import EnvironmentSettings, variable_name

HEAD: Final = """# Settings

Every setting is an environment variable. `manage.py check` names an invalid one and its rule, never its value.
This page is generated from the settings classes by `make render`.
"""

BOUNDS: Final = {
    annotated_types.Ge: ("≥", "ge"),
    annotated_types.Gt: (">", "gt"),
    annotated_types.Le: ("≤", "le"),
    annotated_types.Lt: ("<", "lt"),
    annotated_types.MinLen: ("length ≥", "min_length"),
    annotated_types.MaxLen: ("length ≤", "max_length"),
}


def settings_page(classes: Iterable[type[EnvironmentSettings]]) -> str:
    """The page in Markdown: a table per class with variables."""
    parts = [HEAD]
    for kind in classes:
        if not kind.model_fields:
            continue
        doc = (kind.__doc__ or "").strip().splitlines()[0]
        prefix = str(kind.model_config.get("env_prefix", ""))
        parts.append(f"## {prefix}*\n\n{doc}\n\n| Variable | Default | Rule | Description |\n|---|---|---|---|\n")
        parts[-1] += "".join(_row(variable_name(kind, name), field) for name, field in kind.model_fields.items())
    return "\n".join(parts)


def _row(variable: str, field: FieldInfo) -> str:
    cells = (f"`{variable}`", _default(field), _rule(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    text = _shown(field.default)
    return f"`{text}`" if text else "none"


def _shown(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, SecretStr):
        # A default is in the code, so it is not secret. Values never reach this function.
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value.as_posix() if isinstance(value, Path) else str(value)


def _rule(field: FieldInfo) -> str:
    return ", ".join(dict.fromkeys(_rules(field)))


def _rules(field: FieldInfo) -> Iterator[str]:
    yield _type_word(field.annotation)
    for item in field.metadata:
        for kind, (sign, attribute) in BOUNDS.items():
            if isinstance(item, kind):
                yield f"{sign} {getattr(item, attribute)}"
        pattern = getattr(item, "pattern", None)
        if pattern:
            yield f"matches `{pattern}`"


def _type_word(annotation: Any) -> str:
    words = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        Path: "path",
        SecretStr: "text, secret",
    }
    if annotation in words:
        return words[annotation]
    choices = getattr(annotation, "__args__", ())
    if any(isinstance(choice, str) for choice in choices):
        return "one of " + ", ".join(f"`{choice}`" for choice in choices if choice)
    known = [words[choice] for choice in choices if choice in words]
    return "comma-separated" if getattr(annotation, "__origin__", None) is tuple else ", ".join(known) or "text"
