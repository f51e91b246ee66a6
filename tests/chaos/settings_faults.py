"""Faults in settings: contracts of other versions, datasets that come and go, a second installation."""

import random
import signal
import subprocess
from typing import Final

from tests.chaos.installation import NotPossible, retry
from tests.chaos.plans import Plan
from tests.chaos.world import Causing, NotProven, World

STOPPED_S: Final = 45.0
REFUSED_S: Final = 60.0
MOST_ADDED: Final = 5
STORE: Final = """
WITH current AS (
    SELECT d.id, d.version, replace(v.document, '"integer"', '"later"') AS document FROM datasets_dataset d
    JOIN datasets_contractversion v ON v.dataset_id = d.id AND v.version = d.version WHERE d.name = %s
), stored AS (
    INSERT INTO datasets_contractversion (dataset_id, version, document, fingerprint)
    SELECT id, version + 1, document, md5(document) FROM current
)
UPDATE datasets_dataset d SET version = d.version + 1 FROM current WHERE d.id = current.id
"""
REMOVE: Final = """
WITH removed AS (
    DELETE FROM datasets_contractversion v USING datasets_dataset d
    WHERE d.id = v.dataset_id AND d.version = v.version AND d.name = %s AND v.document LIKE '%%"later"%%'
    RETURNING d.id
)
UPDATE datasets_dataset d SET version = d.version - 1 FROM removed WHERE d.id = removed.id
"""
ADDED: Final = """
SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'data' AND c.relname = %s AND attname LIKE 'added%%' AND NOT attisdropped ORDER BY attnum
"""


def later_contract(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """A later release has stored a contract that this one cannot read; then it is removed."""
    line = f"{plan.name} is stopped: this version of Andén cannot read version"
    before = world.logged(line)
    world.installation.query(STORE, (plan.name,))
    try:
        yield
        world.until(lambda: world.logged(line) > before, f"stop of {plan.name}", for_s=STOPPED_S, error=NotProven)
    finally:
        world.installation.query(REMOVE, (plan.name,))


def column_added(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """A new version of the contract adds a property, and producers begin to send it at the same time."""
    present = [name for (name,) in world.installation.query(ADDED, (plan.name,))]
    names = [*present, f"added_{len(present)}"]
    if len(names) > MOST_ADDED:
        raise NotPossible(f"{plan.name} has {len(present)} added columns")
    world.load.added[plan.topic] = names
    retry(lambda: world.installation.apply([plan], added=names), for_s=120)
    if len(world.installation.query(ADDED, (plan.name,))) != len(names):
        raise NotProven(f"{plan.name} has no new column")
    yield


LEDGER_GAPS: Final = """
SELECT count(*) FILTER (WHERE b.first_offset <= b.former), coalesce(sum(b.rows + b.rejects), 0)
FROM (SELECT *, lag(last_offset) OVER (PARTITION BY source_id ORDER BY first_offset) AS former
      FROM datasets_batch) b JOIN datasets_dataset d ON d.id = b.dataset_id WHERE d.name = %s
"""


def dataset_for_a_while(world: World, plan: Plan, chance: random.Random) -> Causing:
    """A second dataset of the topic is applied, read for a while, and dropped with its rows."""
    guest = Plan(f"guest_{chance.randrange(10**9)}", plan.topic, 0, partitions=plan.partitions, wide=plan.wide)
    retry(lambda: world.installation.apply([guest]), for_s=120)

    def counts() -> tuple[int, int]:
        return world.installation.query(LEDGER_GAPS, (guest.name,))[0]

    try:
        yield
        world.until(lambda: counts()[1] > 0, f"batch of {guest.name}", for_s=REFUSED_S, error=NotProven)
        stored = world.installation.query(
            f'SELECT (SELECT count(*) FROM data."{guest.name}") + (SELECT count(*) FROM ingest_quarantine q '
            "JOIN datasets_dataset d ON d.id = q.dataset_id WHERE d.name = %s), coalesce(sum(b.rows + b.rejects), 0) "
            "FROM datasets_batch b JOIN datasets_dataset d ON d.id = b.dataset_id WHERE d.name = %s",
            (guest.name, guest.name),
        )[0]
        if stored[0] != stored[1] or counts()[0]:
            raise AssertionError(f"{guest.name} has {stored[0]} rows and rejects, its ledger {stored[1]}")
    finally:
        retry(lambda: world.installation.manage("datasets", "drop", guest.name, "--yes"), for_s=120)


def other_installation(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """A worker of another database tries to join the group."""
    log = world.folder / "other.log"
    before = log.stat().st_size if log.exists() else 0
    worker = world.installation.start("ingest", log=log, **world.other.result())
    try:
        yield
        code = worker.wait(REFUSED_S)
        text = log.read_bytes()[before:].decode(errors="replace")
        if code == 0 or "ANDEN_KAFKA_GROUP_ID" not in text:
            raise NotProven(f"the other installation's worker exited with {code}: {text[-300:]}")
    except subprocess.TimeoutExpired as error:
        raise NotProven("the other installation's worker is still in the group") from error
    finally:
        worker.send_signal(signal.SIGCONT)
        worker.kill()
        worker.wait()
