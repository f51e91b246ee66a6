"""Which fields a record is given without, where all of them would be more than an answer carries."""

from collections.abc import Mapping


def omissions(sizes: Mapping[str, int], max_bytes: int) -> tuple[str, ...]:
    """The fewest fields without which the rest keeps within the bytes, in the order given: the largest go first.

    `sizes` has the bytes of each field's value as JSON.
    """
    whole = sum(len(name.encode()) + 4 + size for name, size in sizes.items())
    omitted = set()
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if whole <= max_bytes:
            break
        omitted.add(name)
        whole -= sizes[name]
    return tuple(name for name in sizes if name in omitted)
