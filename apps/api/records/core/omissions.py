"""Chooses the fields to omit from a record that exceeds the response limit."""

from collections.abc import Mapping


def omissions(sizes: Mapping[str, int], max_bytes: int) -> tuple[str, ...]:
    """The fewest fields to omit so that the rest fits into `max_bytes`, largest first, returned in the given order.

    `sizes` maps each field to the size of its JSON value, bytes.
    """
    total = sum(len(name.encode()) + 4 + size for name, size in sizes.items())
    omitted = set()
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total <= max_bytes:
            break
        omitted.add(name)
        total -= sizes[name]
    return tuple(name for name in sizes if name in omitted)
