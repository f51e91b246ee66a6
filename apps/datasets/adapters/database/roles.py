"""The six database roles: their names, and the migration operations that create them and grant to them."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from apps.datasets.adapters.database.role_bootstrap import scram_verifier
from apps.datasets.core.errors import StoreMisconfigured
from apps.datasets.core.roles import role_settings

ROLES = ("app", "ingest", "reader", "writer", "analyst")
"""The roles that the first migration creates, as `owner`."""


def role_name(role: str) -> str:
    """The role's name in PostgreSQL: the user of its URL, or `anden_<role>` without a URL."""
    url = settings.ANDEN.database_urls().get(role)
    return str(conninfo_to_dict(url).get("user")) if url else f"anden_{role}"


def create_roles(connection: Connection[Any], database: str, *, timeouts_s: Mapping[str, float]) -> None:
    """Create the missing roles with the passwords of their URLs, and set their session limits.

    Raises StoreMisconfigured: the owner may not create a missing role.
    """
    present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    may_create = connection.execute(
        "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    for role in ROLES:
        name = role_name(role)
        if name in present:
            continue
        if not (may_create and may_create[0]):
            raise StoreMisconfigured(
                f"the role {name} is missing and {connection.info.user} may not create it: "
                f"create it, or ALTER ROLE {connection.info.user} CREATEROLE"
            )
        _create_role(connection, role, name)
        _set_bounds(connection, role, name, timeouts_s)
    for role in ROLES:
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(database), sql.Identifier(role_name(role))
            )
        )


def _create_role(connection: Connection[Any], role: str, name: str) -> None:
    url = settings.ANDEN.database_urls().get(role)
    password = conninfo_to_dict(url).get("password") if url else None
    if password is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
        return
    secret = sql.Literal(scram_verifier(connection, name, str(password)))
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), secret))


def bound_roles(connection: Connection[Any], *, timeouts_s: Mapping[str, float]) -> None:
    """Set the session limits of the roles that the owner may alter."""
    mine = "SELECT rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION')"
    alterable = {row[0] for row in connection.execute(mine)}
    may_alter = connection.execute(
        "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    for role in ROLES if may_alter and may_alter[0] else ():
        if role_name(role) in alterable:
            _set_bounds(connection, role, role_name(role), timeouts_s)


def _set_bounds(connection: Connection[Any], role: str, name: str, timeouts_s: Mapping[str, float]) -> None:
    for setting, value in role_settings(role, timeouts_s):
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
            )
        )


class GrantTo(Operation):
    """Grants privileges on a table or sequence of schema public to a role."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, role: str, privileges: str, relation: str) -> None:
        self.role = role
        self.privileges = privileges
        self.relation = relation

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """No model changes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Grant the privileges."""
        self._execute(schema_editor, "GRANT {} ON {} TO {}")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Revoke the privileges."""
        self._execute(schema_editor, "REVOKE {} ON {} FROM {}")

    def _execute(self, schema_editor: BaseDatabaseSchemaEditor, template: str) -> None:
        quote = schema_editor.connection.ops.quote_name
        relation = f"public.{quote(self.relation)}"
        schema_editor.execute(template.format(self.privileges, relation, quote(role_name(self.role))))

    def describe(self) -> str:
        """The line that `migrate` prints."""
        return f"Grant {self.privileges} on {self.relation} to {self.role}"
