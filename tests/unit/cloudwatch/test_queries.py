"""The queries are the catalogue times the configured resources."""

from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.cloudwatch.catalogue.resources import Resources
from apps.cloudwatch.collector.queries import catalogue_queries

EVERYTHING = Resources(
    database_instances=("main", "replica"),
    aurora_cluster="aurora",
    kafka_cluster="events",
    kafka_brokers=("1", "2", "3"),
    kafka_groups=("anden",),
    kafka_topics=("flights", "weather"),
    balancer="app/anden/0a",
    target_groups=("targetgroup/web/0b",),
    http_api="a1b2c3",
    rest_api="legacy",
    stage="$default",
    functions=("ingest", "notify"),
    cluster="anden",
    namespaces=("anden",),
    pods=(("anden", "web"), ("anden", "worker")),
)
UNCOLLECTED = {"certificate_days": "two points a day, which the collector drops before the next"}
"""Metrics that only panels and alarms use, each with the reason."""


def test_every_metric_of_the_catalogue_is_collected_or_has_a_reason() -> None:
    asked = {query.labels[0] for query in catalogue_queries(CATALOGUE, EVERYTHING)}
    assert asked == {metric.key for metric in CATALOGUE} - set(UNCOLLECTED)


def test_only_configured_resources_are_requested() -> None:
    assert catalogue_queries(CATALOGUE, Resources()) == ()
    asked = catalogue_queries(CATALOGUE, Resources(functions=("notify",), stage="$default"))
    assert {query.namespace for query in asked} == {"AWS/Lambda"}


def test_no_two_queries_have_the_same_labels() -> None:
    asked = catalogue_queries(CATALOGUE, EVERYTHING)
    assert len({query.labels for query in asked}) == len(asked)


def test_dimensions_have_aws_names_and_the_resources_values() -> None:
    asked = {query.labels: query for query in catalogue_queries(CATALOGUE, EVERYTHING, period_s=300)}
    lag = asked["kafka_max_offset_lag", "Maximum", "events/anden/weather"]
    assert dict(lag.dimensions) == {"Cluster Name": "events", "Consumer Group": "anden", "Topic": "weather"}
    assert (lag.namespace, lag.name, lag.statistic, lag.period_s) == ("AWS/Kafka", "MaxOffsetLag", "Maximum", 300)
    restarts = asked["pod_restarts", "Maximum", "anden/anden/worker"]
    assert restarts.dimensions == (("ClusterName", "anden"), ("Namespace", "anden"), ("PodName", "worker"))
