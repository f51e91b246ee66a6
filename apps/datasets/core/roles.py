"""The roles that `roles ensure` creates, with their passwords, and the rules for their URLs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.datasets.core.errors import StoreMisconfigured

REQUIRED_ROLES: Final = ("owner", "app", "ingest", "reader", "writer", "analyst")
MONITOR: Final = "monitor"
"""The role of an exporter of PostgreSQL's statistics; created only if it has a URL."""
READ_ONLY: Final = {"reader", "analyst", MONITOR}
"""Read-only roles."""
IDLE_TIMEOUT: Final = "60s"
"""How long a transaction may hold locks and its snapshot while idle."""

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RoleLogin:
    """A role as its URL defines it: the name in PostgreSQL, the password, the database."""

    role: str
    name: str
    password: str
    database: str

    def __repr__(self) -> str:
        """The login without its password, for logs and tracebacks."""
        return f"RoleLogin({self.role}, {self.name}, {self.database})"


def role_settings(role: str, timeouts_s: Mapping[str, float]) -> Settings:
    """Default session settings of the role, by parameter; empty for a role without a statement timeout."""
    if role not in timeouts_s:
        return ()
    bounds: Settings = (
        ("statement_timeout", f"{int(timeouts_s[role] * 1000)}ms"),
        ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
    )
    return (*bounds, ("default_transaction_read_only", "on")) if role in READ_ONLY else bounds


def parse_logins(parts: Mapping[str, Mapping[str, str]], *, administrator: str) -> tuple[RoleLogin, ...]:
    """The logins, owner first, from the parts of their URLs (user, password, dbname).

    Raises StoreMisconfigured: a URL is missing or incomplete, or two of them conflict.
    """
    found: dict[str, RoleLogin] = {}
    for role in (*REQUIRED_ROLES, *({MONITOR} & parts.keys())):
        given = parts.get(role)
        if given is None:
            raise StoreMisconfigured(f"{url_variable(role)} is not set: each of the six roles needs its URL")
        for word in ("user", "password", "dbname"):
            if not given.get(word):
                raise StoreMisconfigured(f"{url_variable(role)} names no {'database' if word == 'dbname' else word}")
        found[role] = RoleLogin(role, given["user"], given["password"], given["dbname"])
    _refuse_contradictions(tuple(found.values()), administrator)
    return tuple(found.values())


def url_variable(role: str) -> str:
    """The environment variable of a role's URL."""
    return f"ANDEN_DATABASE_{role.upper()}_URL"


def _refuse_contradictions(found: Sequence[RoleLogin], administrator: str) -> None:
    seen: dict[str, str] = {}
    for login in found:
        here = url_variable(login.role)
        if login.name in seen:
            raise StoreMisconfigured(
                f"{here} names the user {login.name}, as {seen[login.name]} does: use one role each"
            )
        if login.name == administrator:
            raise StoreMisconfigured(
                f"{here} names the administrator {administrator}: use a role with fewer privileges"
            )
        if login.name.startswith("pg_"):
            raise StoreMisconfigured(f"{here} names the user {login.name}: PostgreSQL reserves pg_")
        if login.database != found[0].database:
            raise StoreMisconfigured(
                f"{here} names the database {login.database}, but {url_variable('owner')} names {found[0].database}"
            )
        seen[login.name] = here
