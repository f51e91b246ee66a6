"""Text descriptions of a contract's parts."""

from collections.abc import Iterator

from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.contract.contract import Contract, ContractField, Order

MOST_REASONS = 3
"""Number of reasons listed in full: a column with fifty hidden leaves needs no more."""


def describe_checks(checks: FieldChecks) -> str:
    """The checks of a value, such as `0 to 59` or `one of a, b`; empty without checks."""
    return "; ".join((*_choices(checks), *_range(checks), *_length(checks), *_pattern(checks)))


def describe_rules(contract: Contract, field: ContractField) -> str:
    """The field's role in its contract: key, event time, required, unique, restricted and why."""
    words = (
        ("key", field.name in contract.key),
        ("event time", field.name == contract.event_time),
        ("required", field.required),
        ("unique", field.unique),
        (f"restricted ({describe_restrictions(field)})", field.restricted),
    )
    return ", ".join(word for word, holds in words if holds)


def describe_restrictions(field: ContractField) -> str:
    """Why the field is hidden, such as `actor.login: classification 'confidential'`."""
    reasons = [one.reason if one.path == field.name else str(one) for one in field.restrictions]
    more = [f"{len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    return "; ".join(reasons[:MOST_REASONS] + more)


def describe_visibility(before: Contract | None, after: Contract) -> Iterator[str]:
    """A line for each hidden column with its reason, and for each column that is no longer hidden."""
    hidden = set() if before is None else {field.name for field in before.restricted}
    shown = set() if before is None else {field.name for field in before.unrestricted}
    for field in after.restricted:
        yield f"{'now hidden' if field.name in shown else 'hidden'}: {field.name} ({describe_restrictions(field)})"
    for field in after.unrestricted:
        if field.name in hidden:
            yield f"no longer hidden: {field.name}"


def order_parameter(order: Order) -> str:
    """An order in the API's syntax: names, with a minus for descending."""
    return ",".join(("-" if column.descending else "") + column.name for column in order)


def _choices(checks: FieldChecks) -> Iterator[str]:
    if checks.enum:
        yield "one of " + ", ".join(map(str, checks.enum))


def _range(checks: FieldChecks) -> Iterator[str]:
    if checks.minimum is not None and checks.maximum is not None:
        yield f"{checks.minimum} to {checks.maximum}"
    elif checks.minimum is not None:
        yield f"at least {checks.minimum}"
    elif checks.maximum is not None:
        yield f"at most {checks.maximum}"
    if checks.exclusive_minimum is not None:
        yield f"more than {checks.exclusive_minimum}"
    if checks.exclusive_maximum is not None:
        yield f"less than {checks.exclusive_maximum}"


def _length(checks: FieldChecks) -> Iterator[str]:
    low, high = checks.min_length, checks.max_length
    if low is not None and low == high:
        yield f"length {low}"
    elif low is not None and high is not None:
        yield f"length {low} to {high}"
    elif low is not None:
        yield f"length at least {low}"
    elif high is not None:
        yield f"length at most {high}"


def _pattern(checks: FieldChecks) -> Iterator[str]:
    if checks.pattern is not None:
        yield f"matches {checks.pattern}"
