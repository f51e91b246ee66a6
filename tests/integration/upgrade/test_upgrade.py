"""Upgrade an installation of each release, with data, to the current one with the chart's jobs."""

import gzip
import json
import re
import subprocess
import urllib.error
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg import sql

from embedded.errors import NetworkNeeded, NotInstalled
from tests.integration.upgrade.filling import fill
from tests.integration.upgrade.installation import Installation, Rows, installation, load
from tests.integration.upgrade.make_release import RELEASES, ROOT, airports, flights, manage, send, unpack, web
from tests.requirement import skip_or_fail

NAMES = sorted(path.stem for path in RELEASES.glob("*.*.*.json"))
"""The releases with a dump."""
STOPPED = {"0.1.0"}
"""Releases that stop for the upgrade, because 0.2.0 renamed columns. Later changes expand and contract."""
LATER = "c709be2"
"""A dump of an installation that started with later migrations."""
SHAPE = """
    SELECT format('%s.%s %s %s %s', c.relname, attname, format_type(atttypid, atttypmod), attnotnull,
                  pg_get_expr(adbin, adrelid))
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1
"""
"""The definitions of the apps' tables, indexes and constraints."""
SMALL: dict[str, str] = {
    "public.ingest_quarantine": "a column with a constant default is added in the catalog, whatever the size",
}
"""Tables that a migration may lock exclusively, and why the lock is brief."""
CHANGED = {"public.django_celery_beat_periodictask", "public.datasets_dataset"}
"""Tables in which the upgrade changes rows: 0.2.0 renamed a task and reworded the contract of weather."""


@pytest.fixture(scope="module", params=NAMES)
def before(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """The installation of the release."""
    with TemporaryDirectory(prefix="anden-upgrade-") as folder:
        Path(folder).chmod(0o711)
        try:
            with installation(request.param, Path(folder)) as there:
                yield there
        except (NotInstalled, NetworkNeeded) as exc:
            skip_or_fail(str(exc))


@pytest.fixture(scope="module")
def upgraded(before: Installation) -> tuple[Installation, Rows]:
    """The installation after the upgrade, and the content of its tables before.

    Meanwhile a reader and a writer hold locks on every table with data, in open transactions, so a migration that
    needs an exclusive lock fails. For a release that stops for the upgrade, the migration runs again without them.
    """
    fill(before)
    rows = before.rows()
    busy = [name for name in rows if not name.startswith(("public.django_", "public.auth_"))]
    before.run("bootstrap")
    if before.release in STOPPED:
        with in_use(before, busy), pytest.raises(RuntimeError, match="is in use"):
            before.run("migrate", "--no-input")
        before.run("migrate", "--no-input")
    else:
        with in_use(before, [name for name in busy if name not in SMALL]):
            before.run("migrate", "--no-input")
    before.run("prepare")
    return before, rows


@contextmanager
def in_use(there: Installation, tables: Sequence[str]) -> Iterator[None]:
    """A writer and a reader in transactions that lock each table, including its partitions."""
    with psycopg.connect(there.url) as writer, psycopg.connect(there.url) as reader:
        for name in tables:
            table = sql.SQL(name)
            writer.execute(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(table))
            reader.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table))
        yield


def test_the_release_has_data_in_every_table_and_no_more_migrations(upgraded: tuple[Installation, Rows]) -> None:
    there, rows = upgraded
    assert [table for table, (_, found) in rows.items() if not found] == []
    assert {"data.airports", "data.flights", "public.datasets_batch", "public.ingest_quarantine"} <= rows.keys()
    applied = there.ask("SELECT count(*) FROM django_migrations")[0][0]
    assert rows["public.django_migrations"][1].total() <= applied


def test_every_row_survives(upgraded: tuple[Installation, Rows], record_figure: Callable[[str], None]) -> None:
    there, rows = upgraded
    after = there.rows(as_of=rows)
    lost = {table: found - after[table][1] for table, (_, found) in rows.items() if found - after[table][1]}
    assert lost.keys() <= CHANGED
    assert {table: after[table][1].total() for table in lost} == {table: rows[table][1].total() for table in lost}
    assert [row.split(",")[1] for row in lost.get("public.datasets_dataset", ())] in ([], ["weather"])
    total = sum(found.total() for _, found in rows.values())
    assert total > 150
    record_figure(f"upgrade from {there.release}: {total} rows in {len(rows)} tables, all there")


def plain(row: tuple[str]) -> str:
    """A definition without casts and parentheses, which a dump that was restored writes in another way."""
    return re.sub(r"::[a-z ]+(\[\])?|[()]", "", row[0])


def test_an_installation_that_started_later_has_the_same_schema(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    there.ask("CREATE DATABASE later OWNER anden_owner TEMPLATE template0")
    later = there.url.removesuffix("anden") + "later"
    load(there, gzip.decompress((RELEASES / f"{LATER}.sql.gz").read_bytes()), url=later)
    urls = {name: url.removesuffix("/anden") + "/later" for name, url in there.env.items() if url.endswith("/anden")}
    manage(ROOT, {**there.env, **urls}, "migrate", "--no-input")
    with psycopg.connect(later) as connection:
        wanted = connection.execute(SHAPE).fetchall()
    assert len(wanted) > 300
    assert [plain(row) for row in there.ask(SHAPE)] == [plain(row) for row in wanted]


def test_the_key_of_a_third_party_still_works(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    with web(ROOT, there.env, there.folder / "web.log") as ask:
        for path, answer in there.metadata["answers"].items():
            assert without_url(json.loads(ask(path, there.metadata["key"]))) == without_url(answer), path
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask("/api/v1/datasets", there.metadata["key"][:-1] + "0")


def without_url(body: dict[str, Any]) -> dict[str, Any]:
    """The body without the URL of the next page, which contains the server's port and a sealed cursor."""
    assert "next" not in body or body["next"] is None or "cursor=" in body["next"]
    return {word: value for word, value in body.items() if word != "next"}


def test_ingest_resumes_exactly_once_from_the_stored_offsets(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    kept = there.ask("SELECT count(*), min(offset_) FROM (SELECT _offset AS offset_ FROM data.flights) f")[0]
    send(there.kafka, "flights", flights(60, 75))
    send(there.kafka, "airports", airports(40, 43))
    there.run("manage", "ingest", "flights", "airports", "--until-idle")
    moved = there.ask(
        "SELECT topic, next_offset FROM ingest_source WHERE topic IN ('flights', 'airports') AND partition = 0"
        " ORDER BY topic"
    )
    assert moved == [("airports", 43), ("flights", 75)]
    good = sum(1 for number in range(60, 75) if number % 5)
    assert there.ask("SELECT count(*), count(DISTINCT _offset) FROM data.flights") == [(kept[0] + good,) * 2]
    batches = there.ask("SELECT sum(rows + rejects) FROM datasets_batch JOIN ingest_source s ON s.id = source_id")
    assert batches[0][0] >= 75 + 43


def test_no_migration_is_missing(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    there.run("manage", "makemigrations", "--check", "--dry-run")
    assert "No migrations to apply" in there.run("migrate", "--no-input")


def test_the_old_web_server_works_on_the_new_schema(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    if there.release in STOPPED:
        pytest.skip(f"the processes of {there.release} stop for the upgrade")
    try:
        old = unpack(there.metadata["commit"], there.folder / "old")
    except subprocess.CalledProcessError:
        pytest.skip(f"this checkout has no history: {there.metadata['commit']} cannot run on the new schema")
    with web(old, there.env, there.folder / "old.log") as ask:
        for path in there.metadata["answers"]:
            assert json.loads(ask(path, there.metadata["key"]))["datasets" if path.endswith("datasets") else "records"]
