"""An installation of each release, with data in it, becomes today's by the processes that the chart runs."""

import gzip
import json
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
"""Releases whose processes stop for the upgrade: 0.2.0 renamed columns. From 0.2.0 on names expand and contract."""
LATER = "c709be2"
"""A station that began with more of the migrations, as a dump."""
SHAPE = """
    SELECT format('%s.%s %s %s %s', c.relname, attname, format_type(atttypid, atttypmod), attnotnull,
                  pg_get_expr(adbin, adrelid))
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1
"""
"""What the tables, indexes and constraints of the apps are like."""
SMALL: dict[str, str] = {}
"""Tables that a migration may lock exclusively for a moment, and why that moment is short."""
CHANGED = {"public.django_celery_beat_periodictask"}
"""Tables in which migrations change rows: 0.2.0 renamed a task."""


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
    """The installation after the upgrade, and what was in its tables before.

    Meanwhile a reader and a writer hold each of the release's tables with data in transactions that do not end. A
    migration that needs more than a share of a table fails then, and passes once they have ended: at a release that
    stops for the upgrade.
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
    """A writer and a reader in transactions that hold each of the tables, partitions included."""
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


def test_every_row_is_there(upgraded: tuple[Installation, Rows], record_figure: Callable[[str], None]) -> None:
    there, rows = upgraded
    after = there.rows(as_of=rows)
    lost = {table: found - after[table][1] for table, (_, found) in rows.items() if found - after[table][1]}
    assert lost.keys() <= CHANGED
    assert {table: after[table][1].total() for table in lost} == {table: rows[table][1].total() for table in lost}
    total = sum(found.total() for _, found in rows.values())
    assert total > 150
    record_figure(f"upgrade from {there.release}: {total} rows in {len(rows)} tables, all there")


def test_a_station_that_began_later_has_the_same_schema(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    there.ask("CREATE DATABASE later OWNER anden_owner TEMPLATE template0")
    later = there.url.removesuffix("anden") + "later"
    load(there, gzip.decompress((RELEASES / f"{LATER}.sql.gz").read_bytes()), url=later)
    urls = {name: url.removesuffix("/anden") + "/later" for name, url in there.env.items() if url.endswith("/anden")}
    manage(ROOT, {**there.env, **urls}, "migrate", "--no-input")
    with psycopg.connect(later) as connection:
        wanted = connection.execute(SHAPE).fetchall()
    assert len(wanted) > 300
    assert there.ask(SHAPE) == wanted


def test_the_key_of_a_third_party_is_answered_as_before(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    with web(ROOT, there.env, there.folder / "web.log") as ask:
        for path, answer in there.beside["answers"].items():
            assert without_address(json.loads(ask(path, there.beside["key"]))) == without_address(answer), path
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask("/api/v1/datasets", there.beside["key"][:-1] + "0")


def without_address(body: dict[str, Any]) -> dict[str, Any]:
    """The body without the address of the next page, which holds the server's port and a sealed cursor."""
    assert "next" not in body or body["next"] is None or "cursor=" in body["next"]
    return {word: value for word, value in body.items() if word != "next"}


def test_ingest_goes_on_exactly_once_from_the_stored_offsets(upgraded: tuple[Installation, Rows]) -> None:
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


def test_the_release_s_web_server_answers_on_the_new_schema(upgraded: tuple[Installation, Rows]) -> None:
    there, _ = upgraded
    if there.release in STOPPED:
        pytest.skip(f"the processes of {there.release} stop for the upgrade")
    try:
        old = unpack(there.beside["commit"], there.folder / "old")
    except subprocess.CalledProcessError:
        pytest.skip(f"this checkout has no history: {there.beside['commit']} cannot be run beside the new schema")
    with web(old, there.env, there.folder / "old.log") as ask:
        for path in there.beside["answers"]:
            assert json.loads(ask(path, there.beside["key"]))["datasets" if path.endswith("datasets") else "records"]
