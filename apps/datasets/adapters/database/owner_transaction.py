"""The owner's transaction, in which contracts change tables: one apply per dataset at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.db import connections, transaction
from django.db.utils import DatabaseError, OperationalError, ProgrammingError

from apps.datasets.adapters.database.error_messages import database_location, explain_database_error
from apps.datasets.core.errors import StoreMisconfigured, StoreUnavailable

ALIAS: Final = "owner"
LOCK_TIMEOUT: Final = "5s"
"""How long a table change waits for sessions that use the table."""


@contextmanager
def owner_transaction(name: str) -> Iterator[Any]:
    """A cursor in a transaction that holds the dataset's lock, so that concurrent applies run one after the other.

    Raises StoreMisconfigured: no owner, no migrations or no rights. Raises StoreUnavailable: unavailable or locked.
    """
    if ALIAS not in settings.DATABASES:
        raise StoreMisconfigured("ANDEN_DATABASE_OWNER_URL is not set: contracts are applied as the owner role")
    try:
        with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('anden dataset ' || %s, 0))", (name,))
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
            yield cursor
    except OperationalError as error:
        if sqlstate(error) == "55P03":
            raise StoreUnavailable(f"the table of {name!r} is in use: try again") from error
        raise StoreUnavailable(explain_database_error(ALIAS, error)) from error
    except ProgrammingError as error:
        reason = {"42P01": "run `manage.py migrate`", "42501": "grant the owner role its privileges"}.get(
            sqlstate(error)
        )
        if reason is None:
            raise
        raise StoreMisconfigured(f"{database_location(ALIAS)} is not ready: {reason}") from error


def sqlstate(error: DatabaseError) -> str:
    """The SQLSTATE behind Django's exception, or an empty string."""
    return str(getattr(error.__cause__, "sqlstate", "") or "")
