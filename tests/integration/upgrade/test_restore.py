"""After a point-in-time restore, ingest reads again what came later: nothing is lost or duplicated."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from embedded.errors import NetworkNeeded, NotInstalled
from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres, _ground
from tests.integration.upgrade.installation import Installation
from tests.integration.upgrade.make_release import airports, flights, send
from tests.requirement import skip_or_fail

# Everything that a record became, except its batch id.
CONTENT = {
    "flights": "SELECT md5(string_agg((to_jsonb(t) - '_batch')::text, ',' ORDER BY _source, _offset)), count(*)"
    " FROM data.flights t",
    "airports": "SELECT md5(string_agg((to_jsonb(t) - '_batch')::text, ',' ORDER BY faa)), count(*)"
    " FROM data.airports t",
    "quarantine": "SELECT md5(string_agg(concat(topic, partition, \"offset\", value, reason), ','"
    ' ORDER BY topic, partition, "offset")), count(*) FROM ingest_quarantine',
    "positions": "SELECT md5(string_agg(concat(topic, partition, next_offset), ',' ORDER BY topic, partition)),"
    " count(*) FROM ingest_source",
}


@pytest.fixture
def station() -> Iterator[Installation]:
    """An installation that archives its WAL, with empty tables and topics."""
    with TemporaryDirectory(prefix="anden-restore-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        try:
            with (
                EmbeddedPostgres(folder / "postgres", quick=True) as postgres,
                EmbeddedKafka(folder / "kafka", quick=True) as kafka,
            ):
                there = Installation(postgres, kafka, folder, {})
                for place in ("wal", "base"):
                    (folder / place).mkdir()
                    _ground(postgres.folder / "data").own(folder / place)
                there.ask("ALTER SYSTEM SET archive_mode = on")
                there.ask(f"ALTER SYSTEM SET archive_command = 'test ! -f {folder}/wal/%f && cp %p {folder}/wal/%f'")
                postgres.stop()
                postgres.start()
                there.run("bootstrap")
                there.run("prepare")
                yield there
        except (NotInstalled, NetworkNeeded) as exc:
            skip_or_fail(str(exc))


def test_after_a_restore_ingest_reads_again_from_the_stored_offsets(
    station: Installation, record_figure: Callable[[str], None]
) -> None:
    ingest(station, 0, 20)
    base_backup(station)
    ingest(station, 20, 40)
    then = content(station)
    moment = str(station.ask("SELECT clock_timestamp()")[0][0])
    time.sleep(0.01)  # what follows is committed after the restore point
    ingest(station, 40, 60)
    complete = content(station)
    assert complete != then

    restore(station, moment)
    assert content(station) == then
    station.run("bootstrap")
    assert "No migrations to apply" in station.run("migrate", "--no-input")
    station.run("manage", "ingest", "flights", "airports", "--until-idle")
    assert content(station) == complete
    read = station.ask("SELECT sum(rows + rejects) FROM datasets_batch")[0][0]
    assert read == 120, "a record is in the ledger twice, or missing"
    record_figure(
        f"restored to {moment}: {complete['flights'][1]} flights and {complete['airports'][1]} airports, each once"
    )


def ingest(station: Installation, first: int, last: int) -> None:
    """Send and read the records of these numbers, some of them bad."""
    send(station.kafka, "flights", flights(first, last))
    send(station.kafka, "airports", airports(first, last))
    station.run("manage", "ingest", "flights", "airports", "--until-idle")


def content(station: Installation) -> dict[str, tuple[str, int]]:
    """Checksum and number of rows by query."""
    return {name: station.ask(query)[0] for name, query in CONTENT.items()}


def base_backup(station: Installation) -> None:
    """Copy the running server's files, as a base backup does."""
    ground = _ground(station.postgres.folder / "data")
    source = ("-d", station.postgres.admin_url, "-X", "none", "-c", "fast")
    command: list[str | Path] = [*ground.become, ground.programs / "pg_basebackup", *source]
    subprocess.run([*command, "-D", station.folder / "base"], check=True, capture_output=True, cwd=station.folder)


def restore(station: Installation, moment: str) -> None:
    """Replace the data with the copy and replay the WAL up to the restore point."""
    station.ask("SELECT pg_switch_wal()")
    station.postgres.stop()  # archives the remaining WAL
    ground = _ground(station.postgres.folder / "data")
    for item in list(ground.data.iterdir()):
        shutil.rmtree(item) if item.is_dir() else item.unlink()
    for item in (station.folder / "base").iterdir():
        shutil.move(item, ground.data)
    with (ground.data / "postgresql.auto.conf").open("a") as conf:
        conf.write(
            f"restore_command = 'cp {station.folder}/wal/%f %p'\nrecovery_target_time = '{moment}'\n"
            "recovery_target_action = 'promote'\narchive_mode = off\n"
        )
    (ground.data / "recovery.signal").touch()
    ground.own(ground.data / "recovery.signal")
    station.postgres.start()
    deadline = time.monotonic() + 60
    while station.ask("SELECT pg_is_in_recovery()") == [(True,)]:
        assert time.monotonic() < deadline, station.postgres.log.read_text()[-2000:]
        time.sleep(0.1)
    with psycopg.connect(station.url) as connection:
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
