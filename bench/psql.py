"""psql of PostgreSQL 18, from the embedded server's wheel."""

import os
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from embedded.postgres import WHEEL


def timed_psql(command: str) -> float:
    """The seconds that psql takes for this command as owner, including its start."""
    started = time.perf_counter()
    subprocess.run(
        [_path(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", command],
        env={**os.environ, **_as_owner()},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def _as_owner() -> dict[str, str]:
    parts = conninfo_to_dict(os.environ["ANDEN_DATABASE_OWNER_URL"])
    names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}
    return {variable: str(parts[name]) for name, variable in names.items()}


def _path() -> Path:
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("PostgreSQL's wheel is missing: pip install -r requirements/embedded.txt")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / "psql"
