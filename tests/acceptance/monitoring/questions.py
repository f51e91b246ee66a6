"""Every query in the rendered files: panels, annotations, variables, rules."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

WINDOWS: Final = {
    "$__rate_interval": "30s",
    "$__interval": "10s",
    "$__range": "5m",
    "${__rate_interval}": "30s",
    "${__interval}": "10s",
    "${__range}": "5m",
}
QUERY_RESULT: Final = re.compile(r"query_result\((?P<query>.*)\)", re.DOTALL)
LABEL_VALUES: Final = re.compile(r"label_values\((?:(?P<series>.*),\s*)?(?P<label>\w+)\)", re.DOTALL)
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]")
_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_RANGE: Final = re.compile(r"\[[^\]]*\]")
_SELECTOR: Final = re.compile(
    rf"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\s*\{{(?:[^{{}}\"]|{_STRING})*\}})?(?P<call>\s*\()?"
)
_WORDS: Final = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "on", "without", "ignoring"})


class Source(Protocol):
    """The source of variable values."""

    def label_values(self, label: str, *series: str) -> list[str]:
        """The values of a label, in these series or all."""

    def result(self, query: str) -> list[str]:
        """The current series of a query as Grafana formats them: {label="value"} 1 0."""


@dataclass(frozen=True)
class Question:
    """A query and its place."""

    place: str
    query: str
    kind: str


def panel_questions(file: Path, source: Source) -> Iterator[Question]:
    """A dashboard's queries, with variables set to existing values."""
    board = json.loads(file.read_text(encoding="utf-8"))
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    chosen: dict[str, str] = {}
    for name, variable in variables.items():
        chosen[name] = _value(variable, source, chosen)
    for panel in _panels(board["panels"]):
        repeated = panel.get("repeat")
        copy = {**chosen, repeated: _first(variables[repeated], source, chosen)} if repeated else chosen
        for target in panel.get("targets", []):
            if "expr" in target:
                place = f"{file.stem}: {panel.get('title', panel['id'])} ({target.get('refId', 'A')})"
                yield Question(place, filled(target["expr"], copy), "panel")
    for annotation in board.get("annotations", {}).get("list", []):
        if annotation.get("expr"):
            yield Question(
                f"{file.stem}: annotation {annotation['name']}", filled(annotation["expr"], chosen), "panel"
            )


def rule_questions(file: Path) -> Iterator[Question]:
    """The expressions of a rule file, and the metrics that its alerts read."""
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            if "record" in rule:
                yield Question(f"{file.name}: {rule['record']}", rule["expr"], "recording")
            else:
                window = rule.get("labels", {}).get("window", "")
                place = f"{file.name}: {rule['alert']}{' ' + window if window else ''}"
                yield Question(place, rule["expr"], "alert")
                yield from (Question(place, selector, "alert's metric") for selector in selectors(rule["expr"]))


def selectors(expression: str) -> list[str]:
    """The selectors of an expression, without ranges: `up{job="anden"}`."""
    bare = _RANGE.sub("", _GROUPING.sub(" ", expression))
    found = []
    place = 0
    while match := _SELECTOR.search(bare, place):
        place = match.end()
        in_number = match.start() and bare[match.start() - 1].isalnum()
        if not match["call"] and match["name"].lower() not in _WORDS and not in_number:
            found.append(f"{match['name']}{match['labels'] or ''}".strip())
    return list(dict.fromkeys(found))


def filled(query: str, chosen: Mapping[str, str]) -> str:
    """The query with all Grafana variables replaced. Raises KeyError: the dashboard has no such variable."""
    for name, window in WINDOWS.items():
        query = query.replace(name, window)
    return _VARIABLE.sub(lambda match: chosen[match[1] or match[2] or match[3]], query)


def _value(variable: Mapping[str, Any], source: Source, known: Mapping[str, str]) -> str:
    """All values if the variable allows it, else the first."""
    if _queries_prometheus(variable) and variable.get("includeAll"):
        return str(variable.get("allValue") or ".*")
    return _first(variable, source, known)


def _queries_prometheus(variable: Mapping[str, Any]) -> bool:
    return variable["type"] == "query" and (variable.get("datasource") or {}).get("type") == "prometheus"


def _first(variable: Mapping[str, Any], source: Source, known: Mapping[str, str]) -> str:
    """The first value of a variable."""
    if not _queries_prometheus(variable):
        return str(variable.get("current", {}).get("value", ""))
    query = variable["query"]
    text = filled(query["query"] if isinstance(query, dict) else query, known).strip()
    if labels := LABEL_VALUES.fullmatch(text):
        found = source.label_values(labels["label"], *([labels["series"]] if labels["series"] else []))
    elif result := QUERY_RESULT.fullmatch(text):
        pattern = re.compile(variable["regex"].strip("/"))
        found = [match[1] for line in source.result(result["query"]) if (match := pattern.search(line))]
    else:
        raise AssertionError(f"the variable {variable['name']} has an unknown query: {text}")
    return found[0] if found else ""


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))
