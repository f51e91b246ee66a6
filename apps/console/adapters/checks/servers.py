"""Checks of the other servers: Kafka and the datasets' topics, Celery's broker, Grafana, Prometheus."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from celery import current_app
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, DescribeClusterResult
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from apps.console.core.diagnosis import CheckStatus, DiagnosisResult
from apps.datasets.selectors import catalogue_read
from apps.fleet.services.source import prometheus_api
from apps.ingest.adapters.kafka_admin import TIMEOUT_S
from apps.ingest.adapters.kafka_client import client_config
from apps.ingest.adapters.kafka_errors import cause, request_error
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.core.errors import IngestError
from apps.ingest.models import Source
from apps.ingest.selectors import ALIAS as INGEST
from apps.monitoring.grafana import configuration
from apps.telemetry.errors import MonitoringError

CONNECT_TIMEOUT_S: Final = 5


def check_kafka() -> Iterator[DiagnosisResult]:
    """Whether the cluster answers with these credentials; only some processes have its settings."""
    if "bootstrap_servers" not in settings.KAFKA.model_fields_set:
        yield DiagnosisResult(CheckStatus.SKIPPED, "kafka", "ANDEN_KAFKA_BOOTSTRAP_SERVERS is not set")
        return
    config = client_config(settings.KAFKA)
    where = str(config["bootstrap.servers"])
    try:
        client = AdminClient(config)  # kept: its end would fail the request
    except KafkaException as error:
        yield DiagnosisResult(
            CheckStatus.FAILED, "kafka", f"invalid settings ({cause(error).str()}): fix ANDEN_KAFKA_…"
        )
        return
    try:
        request: Future[DescribeClusterResult] = client.describe_cluster(request_timeout=TIMEOUT_S)  # type: ignore[assignment] # the stub has a dict
        cluster = request.result(TIMEOUT_S + 1)
    except KafkaException as error:
        yield DiagnosisResult(CheckStatus.FAILED, "kafka", str(request_error(where, error)))
        return
    brokers = len(cluster.nodes or ())
    yield DiagnosisResult(CheckStatus.OK, "kafka", f"{brokers} broker{'s' * (brokers != 1)} at {where}")


def check_topics() -> Iterator[DiagnosisResult]:
    """Whether each dataset's topic exists and may be read."""
    if INGEST not in settings.DATABASES or "bootstrap_servers" not in settings.KAFKA.model_fields_set:
        yield DiagnosisResult(CheckStatus.SKIPPED, "topics", "this process has no settings for ingest")
        return
    try:
        datasets = catalogue_read(using=INGEST)
        names = sorted({dataset.contract.topic for dataset in datasets.readable})
        states = KafkaTopicAdmin(client_config(settings.KAFKA)).states(names)
    except (IngestError, KafkaException, DatabaseError, InterfaceError):
        yield DiagnosisResult(CheckStatus.SKIPPED, "topics", "not checked: PostgreSQL or Kafka does not respond")
        return
    finally:
        connections.close_all()
    findings = [
        *(dataset.reason for dataset in datasets.unreadable),
        *states.for_reader(states.missing(names)).refused.values(),
    ]
    yield from (DiagnosisResult(CheckStatus.FAILED, "topics", finding) for finding in findings)
    if not findings:
        yield DiagnosisResult(CheckStatus.OK, "topics", f"{len(names)} of {len(names)} readable")


def check_pipelines() -> Iterator[DiagnosisResult]:
    """Whether a pipeline is stopped, and why."""
    if INGEST not in settings.DATABASES:
        yield DiagnosisResult(CheckStatus.SKIPPED, "pipelines", "this process has no settings for ingest")
        return
    try:
        stopped = list(
            Source.objects.using(INGEST).exclude(last_error="").values_list("topic", "partition", "last_error")
        )
    except (DatabaseError, InterfaceError):
        yield DiagnosisResult(CheckStatus.SKIPPED, "pipelines", "not checked: PostgreSQL does not respond")
        return
    finally:
        connections.close_all()
    for topic, partition, reason in stopped:
        yield DiagnosisResult(CheckStatus.FAILED, "pipelines", f"{topic}/{partition} is stopped: {reason}")
    if not stopped:
        yield DiagnosisResult(CheckStatus.OK, "pipelines", "none is stopped")


def check_queue() -> Iterator[DiagnosisResult]:
    """Whether Celery's broker takes messages."""
    url = settings.CELERY_BROKER_URL
    kind = url.partition(":")[0]
    if kind == "filesystem":
        yield _queue_folder(Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]))
        return
    try:
        with current_app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT_S)
            where = connection.as_uri()
            if kind == "sqs":
                _queue_size(connection.default_channel)
                where = str(settings.ANDEN.celery_queue_url)
    except Exception as error:  # noqa: BLE001 - each transport raises errors of its own
        reason = str(error) or type(error).__name__
        yield DiagnosisResult(
            CheckStatus.FAILED,
            "queue",
            f"{kind} does not respond ({reason}): start it, or fix ANDEN_CELERY_BROKER_URL",
        )
        return
    yield DiagnosisResult(CheckStatus.OK, "queue", where)


def check_grafana() -> Iterator[DiagnosisResult]:
    """Whether Grafana answers and its token has the rights to read what a sync compares."""
    if settings.GRAFANA.url is None:
        yield DiagnosisResult(CheckStatus.SKIPPED, "grafana", "ANDEN_GRAFANA_URL is not set")
        return
    once = settings.GRAFANA.model_copy(update={"tries": 1, "timeout_s": CONNECT_TIMEOUT_S})
    try:
        grafana = configuration.grafana(once)
        grafana.check_rights(write=False)
    except MonitoringError as error:
        yield DiagnosisResult(CheckStatus.FAILED, "grafana", str(error))
        return
    yield DiagnosisResult(CheckStatus.OK, "grafana", f"Grafana {grafana.version} at {settings.GRAFANA.url}")


def check_prometheus() -> Iterator[DiagnosisResult]:
    """Whether the Prometheus that the fleet is evaluated from answers a query."""
    if settings.FLEET.source != "prometheus" or "prometheus_url" not in settings.FLEET.model_fields_set:
        yield DiagnosisResult(CheckStatus.SKIPPED, "prometheus", "ANDEN_FLEET_PROMETHEUS_URL is not set or not used")
        return
    try:
        tuple(prometheus_api(timeout_s=CONNECT_TIMEOUT_S).instant("vector(1)", time.time(), what="a test query"))
    except MonitoringError as error:
        yield DiagnosisResult(CheckStatus.FAILED, "prometheus", str(error))
        return
    yield DiagnosisResult(CheckStatus.OK, "prometheus", "answers queries")


def _queue_folder(folder: Path) -> DiagnosisResult:
    if folder.is_dir() and os.access(folder, os.W_OK):
        return DiagnosisResult(CheckStatus.OK, "queue", f"folder {folder}")
    return DiagnosisResult(
        CheckStatus.FAILED, "queue", f"{folder} is not a folder that this user may write to: see ANDEN_CELERY_FOLDER"
    )


def _queue_size(channel: Any) -> None:
    """Ask SQS for the queue, which opening a connection does not."""
    url = settings.ANDEN.celery_queue_url
    client = channel.sqs(queue=settings.CELERY_TASK_DEFAULT_QUEUE)
    client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
