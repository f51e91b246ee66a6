"""Metrics of MSK.

Source: https://docs.aws.amazon.com/msk/latest/developerguide/metrics-details.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import AVERAGE, MAXIMUM, family

KAFKA: Final = ("Cluster Name",)
BROKER: Final = ("Cluster Name", "Broker ID")
GROUP: Final = ("Cluster Name", "Consumer Group", "Topic")

_LAG = "Absent if the group is not STABLE or EMPTY, has no committed offsets, or has a colon in its name."

KAFKA_METRICS: Final = family(
    "kafka",
    "AWS/Kafka",
    ("kafka_max_offset_lag", "MaxOffsetLag", MAXIMUM, "Count", GROUP, "Lag of the worst partition", _LAG),
    ("kafka_sum_offset_lag", "SumOffsetLag", MAXIMUM, "Count", GROUP, "Lag, all partitions", _LAG),
    ("kafka_time_lag", "EstimatedMaxTimeLag", MAXIMUM, "Seconds", GROUP, "Time lag of the worst partition", _LAG),
    (
        "kafka_active_controllers",
        "ActiveControllerCount",
        AVERAGE,
        "Count",
        KAFKA,
        "Active controllers",
        "If each broker reports its own, a healthy cluster of three averages one third: watch for changes.",
    ),
    (
        "kafka_offline_partitions",
        "OfflinePartitionsCount",
        MAXIMUM,
        "Count",
        KAFKA,
        "Partitions without a leader",
        "Express brokers do not report it.",
    ),
    (
        "kafka_under_replicated",
        "UnderReplicatedPartitions",
        MAXIMUM,
        "Count",
        BROKER,
        "Under-replicated partitions",
        "Rises in every rolling update and matters only if it stays; Express brokers do not report it.",
    ),
    (
        "kafka_disk_used",
        "KafkaDataLogsDiskUsed",
        MAXIMUM,
        "Percent",
        BROKER,
        "Disk used by topics",
        "Express brokers have no local disks and do not report it.",
    ),
    (
        "kafka_cpu_user",
        "CpuUser",
        MAXIMUM,
        "Percent",
        BROKER,
        "User CPU",
        "Only part of the load: AWS recommends keeping CpuUser plus CpuSystem below 60 %.",
    ),
    (
        "kafka_cpu_system",
        "CpuSystem",
        MAXIMUM,
        "Percent",
        BROKER,
        "System CPU",
        "Only part of the load: AWS recommends keeping CpuUser plus CpuSystem below 60 %.",
    ),
    (
        "kafka_bytes_in",
        "BytesInPerSec",
        AVERAGE,
        "Bytes/Second",
        BROKER,
        "Bytes in",
        "From clients only, without replication; free by broker, but a paid monitoring level by topic.",
    ),
    (
        "kafka_bytes_out",
        "BytesOutPerSec",
        AVERAGE,
        "Bytes/Second",
        BROKER,
        "Bytes out",
        "To clients only, without replication; free by broker, but a paid monitoring level by topic.",
    ),
)
