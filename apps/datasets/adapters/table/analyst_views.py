"""The current analyst views: the columns each shows, and whether analysts may read it."""

from dataclasses import dataclass
from typing import Any, Final

from apps.datasets.adapters.database.roles import role_name
from apps.datasets.core.contract.contract import Contract

CURRENT_VIEW: Final = """
SELECT array(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 ORDER BY attnum),
       EXISTS (SELECT FROM pg_roles r WHERE r.rolname = %s AND has_table_privilege(r.oid, c.oid, 'SELECT'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'analyst' AND c.relname = %s AND c.relkind = 'v'
"""


@dataclass(frozen=True, slots=True)
class AnalystView:
    """A view as it is now; `columns` is empty if it does not exist."""

    columns: tuple[str, ...] = ()
    readable: bool = False

    def matches(self, contract: Contract) -> bool:
        """Whether it shows exactly what the contract lets analysts see."""
        wanted = tuple(field.name for field in contract.unrestricted)
        return self.columns == wanted and self.readable == bool(wanted)

    def overexposed(self, contract: Contract) -> tuple[str, ...]:
        """The columns that analysts can read but must not."""
        wanted = {field.name for field in contract.unrestricted}
        return tuple(name for name in self.columns if name not in wanted) if self.readable else ()


def analyst_view(cursor: Any, name: str) -> AnalystView:
    """The view of the dataset with this name."""
    cursor.execute(CURRENT_VIEW, (role_name("analyst"), name))
    row = cursor.fetchone()
    return AnalystView(tuple(row[0]), row[1]) if row else AnalystView()
