"""`manage.py doctor` on a healthy installation, and on installations that each have one fault."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from django.conf import settings
from django.core.management import call_command
from pydantic import SecretStr

from apps.console.adapters.checks import database as database_checks
from apps.console.adapters.checks import machine as machine_checks
from apps.console.adapters.checks.database import PUBLIC_RIGHTS
from apps.console.diagnosis import diagnose
from apps.datasets.selectors import dataset_get
from apps.ingest.conf import KafkaSettings
from apps.ingest.models import Source
from apps.monitoring.conf import GrafanaSettings
from embedded.kafka import EmbeddedKafka
from tests.documents import document
from tests.station import Station

ROOT = Path(__file__).parents[3]
TOPIC = "doctor-things"


@pytest.fixture(autouse=True)
def healthy(
    station: Station, kafka_server: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """A dataset with its topic, a queue's folder, room on the disk."""
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(10)
    station.apply(document("things", [{"name": "id", "logicalType": "integer"}], physical_name=TOPIC))
    monkeypatch.setattr(settings, "KAFKA", KafkaSettings(bootstrap_servers=kafka_server.bootstrap))
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "data_folder_in": str(tmp_path)}
    monkeypatch.setattr(settings, "CELERY_BROKER_URL", "filesystem://")
    monkeypatch.setattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", options)
    monkeypatch.setattr(machine_checks, "SCARCE_BYTES", 1)
    monkeypatch.setattr(machine_checks, "FULL_BYTES", 1)
    yield
    admin.delete_topics([TOPIC])[TOPIC].result(10)


def doctor() -> tuple[int, str]:
    """The exit code and the report."""
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def failures() -> list[str]:
    """The lines of the failed checks."""
    code, report = doctor()
    lines = [line for line in report.splitlines() if line.startswith("FAIL")]
    assert code == (1 if lines else 0)
    assert f", {len(lines)} failed." in report.splitlines()[-1]
    return lines


def test_a_healthy_installation_passes() -> None:
    code, report = doctor()
    assert (code, [line for line in report.splitlines() if line.startswith("FAIL")]) == (0, [])
    for line in ("ok    anden", "ok    migrations", "ok    kafka", "ok    topics", "ok    queue", "ok    disk"):
        assert line in report
    for role in ("app", "owner", "ingest", "reader", "writer", "analyst"):
        assert f"as anden_{role}\n" in report
    assert "1 of 1 readable" in report
    assert "0.0 s from PostgreSQL's" in report


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [url.split(":")[2].split("@")[0] for url in settings.ANDEN.database_urls().values() if "@" in url]
    _, report = doctor()
    assert [secret for secret in [*secrets, settings.SECRET_KEY] if secret and secret in report] == []


def test_a_role_that_cannot_log_in_fails(station: Station) -> None:
    with station.admin() as admin:
        admin.execute("ALTER ROLE anden_reader NOLOGIN")
        try:
            (line,) = failures()
        finally:
            admin.execute("ALTER ROLE anden_reader LOGIN")
    assert "database (reader)" in line
    assert "anden_reader" in line


def test_a_missing_right_is_named_with_its_table(station: Station) -> None:
    with station.admin() as admin:
        admin.execute(
            "REVOKE INSERT ON datasets_batch FROM anden_ingest; REVOKE SELECT ON data.things FROM anden_reader"
        )
        try:
            ingest, reader = failures()
        finally:
            admin.execute(
                "GRANT INSERT ON datasets_batch TO anden_ingest; GRANT SELECT ON data.things TO anden_reader"
            )
    assert "anden_ingest lacks INSERT on datasets_batch:" in ingest
    assert "anden_reader lacks SELECT on data.things:" in reader


def test_the_expected_rights_are_those_that_migrations_grant(station: Station) -> None:
    """Of the two roles whose rights on public tables are listed by table."""
    granted: dict[str, dict[str, set[str]]] = {"ingest": {}, "writer": {}}
    for role, table, privilege in station.query(
        "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_schema = 'public' AND grantee IN ('anden_ingest', 'anden_writer')"
    ):
        granted[role.removeprefix("anden_")].setdefault(table, set()).add(privilege)
    for role, tables in granted.items():
        listed = {table: set(privileges) for table, privileges in PUBLIC_RIGHTS[role].items()}
        assert listed == tables, role


def test_a_schema_that_a_role_may_not_use_is_named(station: Station) -> None:
    with station.admin() as admin:
        admin.execute("REVOKE USAGE ON SCHEMA analyst FROM anden_analyst")
        try:
            (line,) = failures()
        finally:
            admin.execute("GRANT USAGE ON SCHEMA analyst TO anden_analyst")
    assert "anden_analyst lacks USAGE on schema analyst:" in line


def test_a_stopped_pipeline_fails_with_its_reason(station: Station) -> None:
    dataset = dataset_get("things")
    Source.objects.create(
        dataset_id=dataset.id, topic=TOPIC, partition=0, next_offset=5, last_error="offsets are gone"
    )
    (line,) = failures()
    assert line.split(maxsplit=2)[1:] == ["pipelines", f"{TOPIC}/0 is stopped: offsets are gone"]


def test_an_unreadable_authority_is_not_a_broker_that_is_down(
    monkeypatch: pytest.MonkeyPatch, kafka_server: EmbeddedKafka
) -> None:
    given = KafkaSettings(
        bootstrap_servers=kafka_server.bootstrap, security_protocol="SSL", ssl_ca=Path("/nowhere/ca.pem")
    )
    monkeypatch.setattr(settings, "KAFKA", given)
    (line,) = failures()
    assert "kafka" in line
    assert "invalid settings" in line


def test_a_pending_migration_is_named(station: Station) -> None:
    with station.admin() as admin:
        taken = admin.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'jobs') "
            "RETURNING app, name, applied"
        ).fetchone()
        assert taken
        try:
            (line,) = failures()
        finally:
            admin.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", taken)
    assert f"pending: jobs.{taken[1]}: run `manage.py migrate`" in line


def test_a_newer_version_s_migration_is_a_warning(station: Station) -> None:
    with station.admin() as admin:
        admin.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '0999_later', now())")
        try:
            code, report = doctor()
        finally:
            admin.execute("DELETE FROM django_migrations WHERE name = '0999_later'")
    assert code == 0
    assert "warn  migrations" in report
    assert "jobs.0999_later" in report


def test_kafka_that_is_down_fails_and_topics_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KAFKA", KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    (line,) = failures()
    assert "kafka" in line
    assert "ANDEN_KAFKA_BOOTSTRAP_SERVERS" in line


def test_a_process_without_kafka_s_settings_skips_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDEN_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setattr(settings, "KAFKA", KafkaSettings())
    assert failures() == []
    assert "skip  kafka" in doctor()[1]


def test_a_missing_topic_is_named(station: Station) -> None:
    station.apply(document("others", [{"name": "id", "logicalType": "integer"}], physical_name="doctor-absent"))
    (line,) = failures()
    assert "doctor-absent" in line


def test_a_queue_that_is_down_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {"data_folder_in": "/nowhere", "data_folder_out": "/nowhere"}
    )
    (line,) = failures()
    assert "ANDEN_CELERY_FOLDER" in line


def test_a_grafana_that_is_down_fails_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    given = GrafanaSettings(url="http://127.0.0.1:9", token=SecretStr("glsa_x"))  # type: ignore[arg-type]
    monkeypatch.setattr(settings, "GRAFANA", given)
    (line,) = failures()
    assert "grafana" in line


def test_a_server_that_accepts_and_never_answers_is_reported_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        given = GrafanaSettings(url=url, token=SecretStr("glsa_x"))  # type: ignore[arg-type]
        monkeypatch.setattr(settings, "GRAFANA", given)
        results = {result.check: result.finding for result in diagnose(timeout_s=2)}
    assert results["grafana"].startswith("no answer within 2 s")


def test_clocks_apart_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_checks, "time", SimpleNamespace(time=lambda: time.time() + 45))
    (line,) = failures()
    assert "clock" in line
    assert "45" in line


def test_a_full_disk_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "FULL_BYTES", 1 << 60)
    assert all("disk" in line for line in failures())


def test_an_unknown_variable_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDEN_KAFAK_GROUP_ID", "typo")
    code, report = doctor()
    assert code == 0
    assert "ANDEN_KAFAK_GROUP_ID is set, but no setting reads it. Did you mean ANDEN_KAFKA_GROUP_ID?" in report
    assert "typo" not in report


def test_an_invalid_setting_is_named_without_its_value() -> None:
    environment = {
        **os.environ,
        "ANDEN_SECRET_KEY": "too-short-a-secret",
        "ANDEN_API_MAX_EXPORTS": "0",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    ended = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "FAIL  settings  ANDEN_SECRET_KEY: must have at least 32 characters" in ended.stdout
    assert "FAIL  settings  ANDEN_API_MAX_EXPORTS:" in ended.stdout
    assert "ok    anden" in ended.stdout
    assert "too-short" not in ended.stdout + ended.stderr
