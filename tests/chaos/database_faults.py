"""Faults at the database: locks, rights, limits."""

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from tests.chaos.installation import NotPossible
from tests.chaos.plans import Plan
from tests.chaos.world import Causing, NotProven, World

LOCK_S: Final = 20
ROLE: Final = "anden_ingest"
END_SESSIONS: Final = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'"


def table_locked(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """Somebody holds ACCESS EXCLUSIVE on the table, as VACUUM FULL does."""
    yield from _locked(world, f'LOCK TABLE data."{plan.name}" IN ACCESS EXCLUSIVE MODE')


def index_built(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """An index is being built without CONCURRENTLY, which blocks writers."""
    yield from _locked(world, f'CREATE INDEX chaos_index ON data."{plan.name}" (seq, id)')


def positions_locked(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """Somebody holds row locks on the dataset's positions, as an open transaction of a person does."""
    yield from _locked(
        world,
        "SELECT 1 FROM ingest_source WHERE dataset_id = "
        f"(SELECT id FROM datasets_dataset WHERE name = '{plan.name}') FOR UPDATE",
    )


def _locked(world: World, statement: str) -> Causing:
    """Keep this statement's transaction open, then roll it back; PostgreSQL may end meanwhile."""
    held = False
    with suppress(psycopg.OperationalError), world.installation.connect(autocommit=False) as connection:
        try:
            connection.execute(f"SET lock_timeout = '{LOCK_S}s'".encode())
            connection.execute(statement.encode())
        except psycopg.Error as error:
            raise NotPossible(f"the lock is not granted: {error}") from error
        held = True
        yield
        connection.rollback()
    if not held:
        raise NotPossible("PostgreSQL does not answer")


def insert_revoked(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """The workers' role may not insert into the table."""
    table = f'data."{plan.name}"'
    yield from _switched(
        world,
        [f"REVOKE INSERT ON {table} FROM {ROLE}"],
        [f"GRANT INSERT ON {table} TO {ROLE}"],
        proof=f"SELECT NOT has_table_privilege('{ROLE}', 'data.{plan.name}', 'INSERT')",
    )


def statements_time_out(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """The workers' statements are cancelled after 20 ms."""
    yield from _role_setting(world, f"ALTER ROLE {ROLE} SET statement_timeout = '20ms'", "RESET statement_timeout")


def read_only(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """Transactions are read-only, as on a server that was demoted to a replica."""
    yield from _role_setting(
        world, f"ALTER ROLE {ROLE} SET default_transaction_read_only = on", "RESET default_transaction_read_only"
    )


def no_connections(world: World, _plan: Plan, _chance: random.Random) -> Causing:
    """The workers' role may not open any connection."""
    yield from _role_setting(world, f"ALTER ROLE {ROLE} CONNECTION LIMIT 0", "CONNECTION LIMIT -1")


def _role_setting(world: World, begin: str, end: str) -> Causing:
    yield from _switched(
        world,
        [begin, END_SESSIONS],
        [f"ALTER ROLE {ROLE} {end}", END_SESSIONS],
        proof=f"SELECT rolconnlimit = 0 OR rolconfig IS NOT NULL FROM pg_roles WHERE rolname = '{ROLE}'",
    )


def _switched(world: World, begin: Sequence[str], end: Sequence[str], *, proof: str) -> Causing:
    try:
        for statement in begin:
            world.installation.query(statement)
        found: Any = world.installation.query(proof)[0][0]
        if not found:
            raise NotProven(begin[0])
        yield
    finally:
        for statement in end:
            world.installation.query(statement)
