"""Checks of PostgreSQL: each role's login and rights, pending migrations, the clock."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor

from apps.console.core.diagnosis import CheckStatus, DiagnosisResult
from apps.datasets.adapters.database.connections import connect
from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.datasets.adapters.database.roles import ROLES as CREATED_ROLES
from apps.datasets.core.errors import DatasetsError
from apps.datasets.core.table.ddl import TABLE_RIGHTS
from apps.telemetry.readiness import pending_migrations

ROLES: Final = ("owner", *CREATED_ROLES)
STATEMENT_TIMEOUT_MS: Final = 5_000
WARNING_SKEW_S: Final = 1.0
FAILING_SKEW_S: Final = 30.0
"""Signed requests to AWS fail at minutes; freshness and lag are wrong by the skew long before."""

PUBLIC_RIGHTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "app": {"": ("SELECT", "INSERT", "UPDATE", "DELETE")},
    "ingest": {
        "ingest_source": ("SELECT", "INSERT", "UPDATE"),
        "ingest_quarantine": ("SELECT", "INSERT", "UPDATE"),
        "datasets_batch": ("SELECT", "INSERT"),
        "datasets_dataset": ("SELECT",),
        "datasets_contractversion": ("SELECT",),
    },
    "writer": {
        "datasets_batch": ("SELECT", "INSERT"),
        "datasets_dataset": ("SELECT",),
        "datasets_contractversion": ("SELECT",),
    },
}
"""Rights on tables of schema public by role, as migrations grant them; '' means every table."""

_SCHEMAS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("app", "ingest", "reader", "writer"), ("public", "data")),
    "analyst": ("analyst",),
}
"""Schemas that each role uses."""
_MISSING_SCHEMAS: Final = """
    SELECT 'USAGE on schema ' || nspname FROM pg_namespace
    WHERE nspname = ANY (%s) AND NOT has_schema_privilege(oid, 'USAGE') ORDER BY 1
"""
_MISSING: Final = """
    SELECT wanted.privilege || ' on ' || c.oid::regclass::text
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (namespace, relation, privilege)
    JOIN pg_namespace n ON n.nspname = wanted.namespace
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND (wanted.relation = '' OR c.relname = wanted.relation)
    WHERE NOT has_table_privilege(c.oid, wanted.privilege)
    ORDER BY 1
"""
"""Rights that the session's role lacks; relation '' means every table of the namespace."""
_NOT_OWNED: Final = """
    SELECT 'ownership of ' || c.oid::regclass::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'data', 'parts', 'analyst') AND c.relkind IN ('r', 'p', 'v')
        AND NOT pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
    ORDER BY 1
"""
_UNLIMITED: Final = """
    SELECT rolsuper OR EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'data', 'parts') AND c.relkind IN ('r', 'p')
            AND pg_has_role(c.relowner, 'USAGE'))
    FROM pg_roles WHERE rolname = current_user
"""


def check_role(role: str) -> Iterator[DiagnosisResult]:
    """Whether the role can log in, and whether it has the rights that its processes need."""
    alias, check = "default" if role == "app" else role, f"database ({role})"
    if alias not in settings.DATABASES:
        yield DiagnosisResult(CheckStatus.SKIPPED, check, f"ANDEN_DATABASE_{role.upper()}_URL is not set")
        return
    try:
        with connect(alias) as connection:
            connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
            if missing := _missing_rights(connection, role):
                yield DiagnosisResult(CheckStatus.FAILED, check, _lacks(connection, role, missing))
            elif role != "owner" and _is_unlimited(connection):
                finding = (
                    f"{connection.info.user} is a superuser or owns tables, so no grant limits it: use another role"
                )
                yield DiagnosisResult(CheckStatus.WARNING, check, finding)
            else:
                yield _login(connection, check)
    except (psycopg.Error, DatasetsError) as error:
        yield DiagnosisResult(CheckStatus.FAILED, check, explain_database_error(alias, error))


def check_migrations() -> Iterator[DiagnosisResult]:
    """Whether the database and this code have the same migrations."""
    try:
        executor = MigrationExecutor(connections["default"])
        loader = executor.loader
        pending = pending_migrations(executor)
        foreign = sorted(loader.applied_migrations.keys() - loader.disk_migrations.keys())
    except (DatabaseError, InterfaceError) as error:
        yield DiagnosisResult(CheckStatus.FAILED, "migrations", explain_database_error("default", error))
        return
    finally:
        connections.close_all()
    newer = [".".join(key) for key in foreign if key[0] in loader.migrated_apps]
    if pending:
        finding = f"pending: {_listed(pending, most=5)}: run `manage.py migrate`"
        yield DiagnosisResult(CheckStatus.FAILED, "migrations", finding)
    elif newer:
        yield DiagnosisResult(
            CheckStatus.WARNING,
            "migrations",
            f"a newer version of Andén migrated this database ({', '.join(newer)}): run that version",
        )
    else:
        yield DiagnosisResult(CheckStatus.OK, "migrations", f"{len(loader.disk_migrations)} applied")


def check_clock() -> Iterator[DiagnosisResult]:
    """How far this machine's clock is from PostgreSQL's, seconds."""
    try:
        with connect("default") as connection:
            connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
            before = time.time()
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
            after = time.time()
    except psycopg.Error:
        yield DiagnosisResult(CheckStatus.SKIPPED, "clock", "PostgreSQL does not respond")
        return
    there = row[0] if row else before
    skew_s = max(before - there, there - after, 0.0)
    status, advice = CheckStatus.OK, ""
    if skew_s > WARNING_SKEW_S:
        status = CheckStatus.FAILED if skew_s > FAILING_SKEW_S else CheckStatus.WARNING
        advice = ": synchronise both clocks (chrony, systemd-timesyncd)"
    yield DiagnosisResult(status, "clock", f"{skew_s:.1f} s from PostgreSQL's{advice}")


def _login(connection: psycopg.Connection[Any], check: str) -> DiagnosisResult:
    info = connection.info
    version = (info.parameter_status("server_version") or str(info.server_version)).split()[0]
    finding = f"PostgreSQL {version} at {info.host}:{info.port}/{info.dbname} as {info.user}"
    return DiagnosisResult(CheckStatus.OK, check, finding)


def _missing_rights(connection: psycopg.Connection[Any], role: str) -> list[str]:
    """What the role lacks, of the tables that exist."""
    if role == "owner":
        return [row[0] for row in connection.execute(_NOT_OWNED)]
    if lacking := [row[0] for row in connection.execute(_MISSING_SCHEMAS, (list(_SCHEMAS[role]),))]:
        return lacking
    wanted = [("data", "", privilege) for privilege in TABLE_RIGHTS.get(role, ())]
    for relation, privileges in PUBLIC_RIGHTS.get(role, {}).items():
        wanted += [("public", relation, privilege) for privilege in privileges]
    columns = [list(column) for column in zip(*wanted, strict=True)] or [[], [], []]
    return [row[0] for row in connection.execute(_MISSING, columns)]


def _lacks(connection: psycopg.Connection[Any], role: str, missing: list[str]) -> str:
    remedy = f"as the tables' owner, GRANT … TO {connection.info.user}"
    if len(missing) > 3:
        remedy += f", or, if it is the wrong role, fix ANDEN_DATABASE_{role.upper()}_URL"
    return f"{connection.info.user} lacks {_listed(missing, most=3)}: {remedy}"


def _listed(names: Sequence[str], *, most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _is_unlimited(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(_UNLIMITED).fetchone()
    return bool(row and row[0])
