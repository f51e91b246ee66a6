"""Faults in content: poison, slow patterns, large records, headers that are not UTF-8, bursts."""

import random
from typing import Final

from tests.chaos import content
from tests.chaos.content import Content
from tests.chaos.installation import NotPossible
from tests.chaos.load import Spoiler
from tests.chaos.plans import Plan
from tests.chaos.world import Causing, NotProven, World
from tests.raw_records import raw_send

BURST: Final = 3_000
PATIENCE_S: Final = 60.0
REJECTS: Final = """
SELECT count(*) FROM ingest_quarantine q JOIN datasets_dataset d ON d.id = q.dataset_id WHERE d.name = %s
"""


def poison_tenth(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """Every tenth record is bad."""
    yield from _spoil(world, plan, lambda number, chance: content.poison(number, chance) if number % 10 == 0 else None)


def poison_flood(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """Every record is bad."""
    yield from _spoil(world, plan, content.poison)


def slow_pattern(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """Records at which a backtracking pattern would not end."""
    yield from _spoil(world, plan, lambda number, chance: content.backtracking(plan, number, chance))


def large_records(world: World, plan: Plan, chance: random.Random) -> Causing:
    """Good records of five to nine MiB."""
    for _ in range(3):
        world.load.send(plan, lambda number: content.large(plan, number, chance))
    yield
    _until_acknowledged(world, plan)


def burst(world: World, plan: Plan, chance: random.Random) -> Causing:
    """Thousands of records at once."""
    for _ in range(BURST):
        world.load.send(plan, lambda number: content.good(plan, number, chance))
    yield
    _until_acknowledged(world, plan)


def raw_headers(world: World, plan: Plan, chance: random.Random) -> Causing:
    """Good and bad records with header names that are not UTF-8."""
    found: list[Content] = [content.good(plan, -1, chance), (b"1", b'{"id":1,"seq":"poison"}')]
    before = _rejects(world, plan)
    for key, value in found:
        try:
            raw_send(world.installation.bootstrap, plan.topic, value, ((b"caf\xe9", b"1"), (b"\xff", None)), key)
        except AssertionError as error:
            raise NotPossible("Kafka does not answer") from error
    yield
    world.until(lambda: _rejects(world, plan) > before, "reject", for_s=PATIENCE_S, error=NotProven)


def _spoil(world: World, plan: Plan, spoiler: Spoiler) -> Causing:
    before = _rejects(world, plan)
    with world.load.spoiled(plan.topic, spoiler):
        world.load.send(plan, lambda number: spoiler(10 * number, world.load.chance) or (None, b""))
        yield
    world.until(lambda: _rejects(world, plan) > before, "reject", for_s=PATIENCE_S, error=NotProven)


def _rejects(world: World, plan: Plan) -> int:
    return int(world.installation.query(REJECTS, (plan.name,))[0][0])


def _until_acknowledged(world: World, plan: Plan) -> None:
    """Wait until Kafka has acknowledged what was sent. Raises NotPossible: it does not answer."""
    with world.load.quiet(plan.topic):
        pass
