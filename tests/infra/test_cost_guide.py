"""The cost guide matches the environments, adds up, and stays below each budget."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.infra.terraform_files import TERRAFORM, parsed

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = (ROOT / "docs/guides/cost.md").read_text(encoding="utf-8")
ENVIRONMENTS: Final = sorted(path.stem for path in (ROOT / "terraform/environments").glob("*.tfvars"))
CENT: Final = Decimal("0.01")
ALLOWANCE: Final = Decimal("1.15")
ROW: Final = re.compile(
    r"^\| ([^|*]+) \| (\d+) \| ([\d.]+) [^|]+ \| ([\d.]+) \| ([\d.]+) \| ([a-z]) \|$", re.MULTILINE
)


def section(environment: str) -> str:
    """The environment's section of the guide."""
    return GUIDE.partition(f"\n## {environment}\n")[2].partition("\n## ")[0]


def rows(environment: str) -> dict[str, tuple[int, Decimal, Decimal, Decimal, str]]:
    """Count, units, price, total and source by line."""
    return {
        name: (int(count), Decimal(units), Decimal(price), Decimal(month), source)
        for name, count, units, price, month, source in ROW.findall(section(environment))
    }


def values(environment: str) -> dict[str, Any]:
    """The environment's tfvars."""
    return parsed(TERRAFORM / f"environments/{environment}.tfvars")


def expected(given: dict[str, Any]) -> dict[str, tuple[int, int | None]]:
    """Count and units of each line that the tfvars determine; units are None for usage and hours."""
    zones = len(given["zones"])
    nat = {"none": 0, "single": 1, "per_zone": zones}[given["nat_mode"]]
    groups = given["node_groups"].values()
    nodes = sum(group["min_size"] for group in groups)
    kinds = ", ".join(
        "/".join(group["instance_types"]) + (", spot" if group.get("capacity_type") == "SPOT" else "")
        for group in groups
    )
    kafka, postgres = given["kafka"], given["postgres"]
    brokers = zones * kafka["brokers_per_zone"]
    instances = 2 if postgres["multi_az"] else 1
    firewall = 1 if given["edge"]["waf_requests_per_5_minutes"] else 0
    return {
        f"Nodes, {kinds}": (nodes, None),
        "Disks of nodes, gp3": (nodes, None),
        "NAT gateways": (nat, None),
        "Public addresses of NAT": (nat, None),
        "Interface endpoints × zones": (zones * len(given.get("interface_endpoints", [])), None),
        f"MSK brokers, {kafka['instance_type']}": (brokers, None),
        "MSK disks": (brokers, kafka["storage_gib"]),
        f"RDS instances, {postgres['instance_class']}": (instances, None),
        "RDS disks, gp3": (instances, postgres["storage_gib"]),
        "WAF, list": (firewall, None),
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_counts_match_the_environment(environment: str) -> None:
    table = rows(environment)
    wanted = expected(values(environment))
    assert set(wanted) - set(table) == set()
    assert {name: table[name][0] for name in wanted} == {name: count for name, (count, _) in wanted.items()}
    sizes = {name: units for name, (_, units) in wanted.items() if units is not None}
    assert {name: table[name][1] for name in sizes} == sizes


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.property(15)
def test_products_and_total_are_correct_and_below_the_budget(environment: str, evidence: Any) -> None:
    table = rows(environment)
    wrong = {
        name: month
        for name, (count, units, price, month, _) in table.items()
        if (count * units * price).quantize(CENT, ROUND_HALF_UP) != month
    }
    assert wrong == {}
    total = sum((month for _, _, _, month, _ in table.values()), Decimal(0))
    allowed = (total * ALLOWANCE).quantize(CENT, ROUND_HALF_UP)
    assert f"**{total}**" in section(environment)
    assert f"**{allowed}**" in section(environment)
    budget = values(environment)["monthly_usd"]
    assert f"The budget of {environment} is {budget} USD" in GUIDE
    assert total > 0
    assert allowed < budget
    evidence(f"{environment}: {len(table)} lines, {allowed} USD a month with 15 %, budget {budget}")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_price_has_a_source_that_is_listed(environment: str) -> None:
    listed = set(re.findall(r"^- \*\*([a-z])\*\*: ", GUIDE, re.MULTILINE))
    assert {source for *_, source in rows(environment).values()} <= listed


def test_environments_have_the_same_lines() -> None:
    kinds = {environment: [name.partition(",")[0] for name in rows(environment)] for environment in ENVIRONMENTS}
    assert len({tuple(lines) for lines in kinds.values()}) == 1
    assert {environment for environment in ENVIRONMENTS if not rows(environment)} == set()


def test_variables_that_make_it_cheaper_are_declared() -> None:
    table = GUIDE.partition("## Why, and what makes it cheaper")[2]
    cells = [line.split("|")[3] for line in table.splitlines() if line.startswith("| ") and "`" in line]
    named = {one for cell in cells for one in re.findall(r"`([a-z_]+)`", cell)}
    source = (ROOT / "terraform/aws/variables.tf").read_text(encoding="utf-8")
    assert len(named) > 5
    assert {one for one in named if f'variable "{one}"' not in source} == set()
