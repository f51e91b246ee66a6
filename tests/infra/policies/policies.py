"""Rules over what Terraform plans, in Rego: what is refused, and by which rule."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from regopy import Interpreter

from tests.infra.plans import Plan, Resource

FOLDER: Final = Path(__file__).parent
PACKAGES: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.rego"))}
RULES: Final = {rule for text in PACKAGES.values() for rule in re.findall(r'contains \{"rule": "([^"]+)"', text)}


def explained(station: str) -> dict[str, str]:
    """The reason of each wide right in a station of this name."""
    text = (FOLDER / "justifications.toml").read_text(encoding="utf-8")
    return tomllib.loads(text.replace("<station>", station))


def asked(question: str, resources: Iterable[Resource], reasons: dict[str, str]) -> list[Any]:
    """What Rego answers about these resources."""
    rego = Interpreter()
    for name, text in PACKAGES.items():
        rego.add_module(name, text)
    rego.add_data({"explained": reasons})
    # The interpreter prints quotes within a text as they are, and what it printed could not be read.
    rego.set_input(
        {
            "resources": [
                {"address": one.address.replace('"', "'"), "type": one.type, "values": one.values} for one in resources
            ]
        }
    )
    return list(rego.query(f"answer = {question}").results[0].bindings["answer"])


def refused(resources: Iterable[Resource], reasons: dict[str, str]) -> set[tuple[str, str]]:
    """Rule and address of whatever a rule refuses."""
    resources = list(resources)
    return {
        (each["rule"], each["at"])
        for package in PACKAGES
        for each in asked(f"data.{package}.denied", resources, reasons)
    }


def wide(plan: Plan) -> set[str]:
    """The wide rights of a plan, explained or not."""
    return {each["right"] for each in asked("data.rights.wide", plan.resources, {})}
