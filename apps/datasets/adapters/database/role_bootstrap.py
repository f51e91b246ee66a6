"""Creates and updates the roles and the database, as an administrator who need not be a superuser.

On PostgreSQL 16 and later, the creator of a role gets ADMIN OPTION on it and nothing else. All roles are handled in
one transaction; the database, which cannot be created in one, follows. Every step is idempotent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import namedtuple_row

from apps.datasets.core.errors import StoreMisconfigured, StoreUnavailable
from apps.datasets.core.roles import MONITOR, RoleLogin, role_settings, url_variable

MIN_SERVER_VERSION: Final = 160_000
LOCK: Final = "SELECT pg_advisory_lock(hashtextextended('anden roles ensure', 0))"
LOCK_TIMEOUT: Final = "60s"
APPLICATION: Final = "anden-bootstrap"
EXTENSION: Final = "pg_stat_statements"
PG_MONITOR: Final = "pg_monitor"
"""PostgreSQL's predefined role whose members read statistics: all sessions' statements, but no rows."""


@dataclass(frozen=True, slots=True)
class BootstrapStep:
    """A role, database or extension, and what was done to it."""

    name: str
    state: str


def roles_ensure(
    admin_url: str, logins: Sequence[RoleLogin], *, timeouts_s: Mapping[str, float]
) -> Iterator[BootstrapStep]:
    """Make the roles and their database match the URLs; yield each object once it is done.

    Raises StoreMisconfigured: the administrator lacks a privilege, or an existing object conflicts; nothing was
    changed. Raises StoreUnavailable: the server is unavailable, or another run does not finish.
    """
    with _administrator(admin_url) as admin:
        _refuse_old(admin)
        present = _existing_roles(admin)
        _refuse_missing_rights(admin, logins, present)
        _refuse_others_database(admin, logins[0])
        _refuse_renamed(admin, admin_url, logins)
        stale = {login.name for login in logins if login.name in present and not _can_log_in(admin_url, login)}
        states = {}
        with admin.transaction():
            for login in logins:
                states[login.name] = _ensure_role(admin, login, present, stale, timeouts_s)
        for login in logins:
            if "password" in states[login.name] and (reason := _login_error(admin_url, login)):
                raise StoreMisconfigured(f"{login.name} has its password but cannot log in: {reason}")
            yield BootstrapStep(login.name, states[login.name])
        yield BootstrapStep(logins[0].database, _ensure_database(admin, logins[0]))
        yield BootstrapStep(EXTENSION, _ensure_extension(admin_url, logins[0]))


def administrator_name(admin_url: str) -> str:
    """The user in the administrator's URL."""
    return str(conninfo_to_dict(admin_url).get("user", ""))


def scram_verifier(connection: Connection[Any], name: str, password: str) -> str:
    """The SCRAM verifier of a password: what the server stores, so that the password never reaches its log."""
    return connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()


@contextmanager
def _administrator(url: str) -> Iterator[Connection[Any]]:
    """A connection that holds the lock of `roles ensure`: concurrent runs wait for each other."""
    try:
        admin = psycopg.connect(url, autocommit=True, connect_timeout=5, application_name=APPLICATION)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"ANDEN_DATABASE_ADMIN_URL: {_line(error)}") from error
    with admin:
        admin.row_factory = namedtuple_row
        try:
            admin.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
            admin.execute(LOCK)
            yield admin
        except psycopg.errors.LockNotAvailable as error:
            raise StoreUnavailable("another `roles ensure` is still running: try again later") from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise StoreMisconfigured(
                f"the administrator {admin.info.user} lacks a privilege: {_line(error)}"
            ) from error
        except psycopg.OperationalError as error:
            raise StoreUnavailable(
                f"lost the connection to PostgreSQL: {_line(error)}; run `roles ensure` again"
            ) from error


def _refuse_old(admin: Connection[Any]) -> None:
    if admin.info.server_version < MIN_SERVER_VERSION:
        raise StoreMisconfigured(
            f"PostgreSQL {admin.info.server_version // 10_000} is too old: 16 or later is required"
        )


def _existing_roles(admin: Connection[Any]) -> dict[str, Any]:
    """The existing roles by name, with their attributes and session settings."""
    rows = admin.execute(
        "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
        " coalesce(rolconfig, '{}') AS config,"
        " pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') AS manageable FROM pg_roles"
    )
    return {row.rolname: row for row in rows}


def _refuse_missing_rights(admin: Connection[Any], logins: Sequence[RoleLogin], present: dict[str, Any]) -> None:
    name = admin.info.user
    me = present[name]
    if me.rolsuper:
        return
    for right, held in (("CREATEROLE", me.rolcreaterole), ("CREATEDB", me.rolcreatedb)):
        if not held:
            raise StoreMisconfigured(f"the administrator {name} lacks {right}: ALTER ROLE {name} {right}")
    for login in logins:
        row = present.get(login.name)
        if row is not None and not row.manageable:
            raise StoreMisconfigured(
                f"{name} may not change the role {login.name}, which another role created: "
                f"GRANT {login.name} TO {name} WITH ADMIN OPTION"
            )


def _refuse_others_database(admin: Connection[Any], owner: RoleLogin) -> None:
    row = _database(admin, owner.database)
    if row is None:
        return
    if row.encoding != "UTF8":
        raise StoreMisconfigured(f"the database {owner.database} uses {row.encoding}: Andén needs UTF8")
    if row.owner not in {owner.name, admin.info.user}:
        raise StoreMisconfigured(
            f"the database {owner.database} belongs to {row.owner}, but {url_variable('owner')} names {owner.name}: "
            f"ALTER DATABASE {owner.database} OWNER TO {owner.name}, or use another database"
        )


def _refuse_renamed(admin: Connection[Any], admin_url: str, logins: Sequence[RoleLogin]) -> None:
    """Refuse a role renamed in its URL: migrations grant by name, so it would have no rights on existing tables."""
    if _database(admin, logins[0].database) is None:
        return
    with psycopg.connect(make_conninfo(admin_url, dbname=logins[0].database), connect_timeout=5) as inside:
        for login in (each for each in logins[1:] if each.role != MONITOR):
            schema = "analyst" if login.role == "analyst" else "data"
            row = inside.execute(
                "SELECT r.oid IS NOT NULL AND has_schema_privilege(r.oid, n.oid, 'USAGE')"
                " FROM pg_namespace n LEFT JOIN pg_roles r ON r.rolname = %s WHERE n.nspname = %s",
                (login.name, schema),
            ).fetchone()
            if row is not None and not row[0]:
                raise StoreMisconfigured(
                    f"{url_variable(login.role)} names {login.name}, which has no rights in {login.database}: "
                    f"use the role it was migrated with, or ALTER ROLE … RENAME TO {login.name}"
                )


def _database(admin: Connection[Any], name: str) -> Any:
    return admin.execute(
        "SELECT pg_get_userbyid(datdba) AS owner, pg_encoding_to_char(encoding) AS encoding"
        " FROM pg_database WHERE datname = %s",
        (name,),
    ).fetchone()


def _ensure_role(
    admin: Connection[Any], login: RoleLogin, present: dict[str, Any], stale: set[str], timeouts_s: Mapping[str, float]
) -> str:
    """Make the role able to log in with its password, without server-wide attributes; return what was changed."""
    name = sql.Identifier(login.name)
    row = present.get(login.name)
    done = []
    if row is None:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        done.append("created")
    elif row.rolsuper or row.rolreplication or row.rolbypassrls:
        raise StoreMisconfigured(f"the role {login.name} has attributes that Andén must not use, such as SUPERUSER")
    elif not row.rolcanlogin or row.rolcreaterole or row.rolcreatedb:
        admin.execute(sql.SQL("ALTER ROLE {} LOGIN NOCREATEROLE NOCREATEDB").format(name))
        done.append("attributes set")
    if row is None or login.name in stale:
        secret = sql.Literal(scram_verifier(admin, login.name, login.password))
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, secret))
        done.append("password set")
    for parameter, value in role_settings(login.role, timeouts_s):
        if row is None or f"{parameter}={value}" not in row.config:
            admin.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(parameter), sql.Literal(value))
            )
            done.append(f"{parameter} {value}")
    if login.role == MONITOR:
        done += _ensure_pg_monitor(admin, login)
    return ", ".join(done) or "unchanged"


def _ensure_pg_monitor(admin: Connection[Any], login: RoleLogin) -> list[str]:
    """Grant the role access to statistics if possible; without it, dashboard panels stay empty."""
    row = admin.execute("SELECT pg_has_role(%s, %s, 'MEMBER') AS member", (login.name, PG_MONITOR)).fetchone()
    if row is not None and row.member:
        return []
    try:
        with admin.transaction():
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(PG_MONITOR), sql.Identifier(login.name)))
    except psycopg.errors.InsufficientPrivilege:
        return [f"without {PG_MONITOR}: {admin.info.user} may not grant it"]
    return [f"{PG_MONITOR} granted"]


def _ensure_database(admin: Connection[Any], owner: RoleLogin) -> str:
    row = _database(admin, owner.database)
    database, name = sql.Identifier(owner.database), sql.Identifier(owner.name)
    if row is not None and row.owner == owner.name:
        _revoke_owner_membership(admin, owner)
        return f"unchanged, owner {owner.name}"
    if not _is_superuser(admin):
        # To change a database's owner you must be able to SET ROLE to the new one; revoked below, or by the next run.
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE").format(name))
    if row is None:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(database, name))
    else:
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, name))
    _revoke_owner_membership(admin, owner)
    return f"created, owner {owner.name}" if row is None else f"owner changed to {owner.name}"


def _revoke_owner_membership(admin: Connection[Any], owner: RoleLogin) -> None:
    """Revoke the administrator's membership in the owner role that this command, or an interrupted run, granted."""
    given = admin.execute(
        "SELECT 1 FROM pg_auth_members WHERE roleid = %s::regrole AND member = current_user::regrole"
        " AND grantor = current_user::regrole AND set_option",
        (f'"{owner.name}"',),
    ).fetchone()
    if given and not _is_superuser(admin):
        admin.execute(sql.SQL("REVOKE {} FROM CURRENT_USER").format(sql.Identifier(owner.name)))


def _is_superuser(admin: Connection[Any]) -> bool:
    return admin.info.parameter_status("is_superuser") == "on"


def _ensure_extension(admin_url: str, owner: RoleLogin) -> str:
    """Install pg_stat_statements if possible; without it, dashboard panels stay empty."""
    with psycopg.connect(
        make_conninfo(admin_url, dbname=owner.database), autocommit=True, connect_timeout=5
    ) as inside:
        row = inside.execute(
            "SELECT installed_version IS NOT NULL FROM pg_available_extensions WHERE name = %s", (EXTENSION,)
        ).fetchone()
        if row is None:
            return "skipped: not available on this server"
        if row[0]:
            return "unchanged"
        try:
            inside.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(EXTENSION)))
        except psycopg.errors.InsufficientPrivilege:
            return f"skipped: {inside.info.user} may not create it"
        return "created"


def _can_log_in(admin_url: str, login: RoleLogin) -> bool:
    """Whether the role can log in with its password; False if the server asked for none, so that it is set again."""
    return _login_error(admin_url, login, ask_password=True) == ""


def _login_error(admin_url: str, login: RoleLogin, *, ask_password: bool = False) -> str:
    """Why the role cannot log in although the administrator can, in one line; empty if it can."""
    place = make_conninfo(admin_url, user=login.name, password=login.password, application_name=APPLICATION)
    try:
        with psycopg.connect(place, connect_timeout=5) as connection:
            return "" if connection.pgconn.used_password or not ask_password else "the server asked for no password"
    except psycopg.OperationalError as error:
        return _line(error)


def _line(error: psycopg.Error) -> str:
    """The first line of the server's message, without the host, which the caller knows."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.split("FATAL:", 1)[-1].strip()
