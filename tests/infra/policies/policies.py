"""Rego policies for Terraform plans: rejected resources and the rules that reject them."""

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


def justifications(name: str) -> dict[str, str]:
    """The justification of each broad permission, for an installation of this name."""
    text = (FOLDER / "justifications.toml").read_text(encoding="utf-8")
    return tomllib.loads(text.replace("<name>", name))


def query(expression: str, resources: Iterable[Resource], reasons: dict[str, str]) -> list[Any]:
    """The result of the Rego query for these resources."""
    rego = Interpreter()
    for name, text in PACKAGES.items():
        rego.add_module(name, text)
    rego.add_data({"justified": reasons})
    # The interpreter does not escape quotes in strings, so its output could not be parsed.
    rego.set_input(
        {
            "resources": [
                {"address": one.address.replace('"', "'"), "type": one.type, "values": one.values} for one in resources
            ]
        }
    )
    return list(rego.query(f"answer = {expression}").results[0].bindings["answer"])


def rejected(resources: Iterable[Resource], reasons: dict[str, str]) -> set[tuple[str, str]]:
    """Rule and address of each rejected resource."""
    resources = list(resources)
    return {
        (each["rule"], each["at"])
        for package in PACKAGES
        for each in query(f"data.{package}.denied", resources, reasons)
    }


def broad(plan: Plan) -> set[str]:
    """The broad permissions of a plan, justified or not."""
    return {each["right"] for each in query("data.rights.broad", plan.resources, {})}
