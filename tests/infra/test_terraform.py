"""The AWS root is formatted and valid, and plans every environment, without an account or a network."""

from collections.abc import Callable

import pytest

from tests.infra.plans import ENVIRONMENTS, ROOT, Root

FMT = ("fmt", "-check", "-recursive", "-diff", str(ROOT / "terraform"))
MOST_S = 60


@pytest.mark.property(1)
def test_every_file_is_formatted(root: Root) -> None:
    done = root.run(*FMT)
    assert done.returncode == 0, done.stdout


@pytest.mark.property(1)
def test_the_root_is_valid(root: Root) -> None:
    done = root.run("validate")
    assert done.returncode == 0, done.stderr


@pytest.mark.property(1)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_plans(root: Root, environment: str) -> None:
    tested = root.tested(environment)
    assert tested.problems == ()
    assert tested.passed
    assert all(tested.passed.values())
    assert set(tested.plans) == set(tested.passed)


@pytest.mark.property(1)
def test_checks_take_less_than_a_minute(root: Root, evidence: Callable[[str], None]) -> None:
    for arguments in (FMT, ("validate",)):
        root.run(*arguments)
    for environment in ENVIRONMENTS:
        root.tested(environment)
    # CPU seconds: the wall time on an idle machine.
    assert sum(processor for _, processor in root.spent.values()) < MOST_S, root.spent
    parts = ", ".join(f"{arguments[0]} {seconds:.1f}" for arguments, (seconds, _) in root.spent.items())
    total = sum(processor for _, processor in root.spent.values())
    evidence(f"without network or account, seconds: {parts}; {total:.0f} CPU seconds in total")


def test_each_environment_has_its_own_test() -> None:
    assert {path.name.removesuffix(".tftest.hcl") for path in (ROOT / "terraform/aws/tests").glob("*.tftest.hcl")} == {
        *ENVIRONMENTS
    }
