"""What is read of MSK.

Source: https://docs.aws.amazon.com/msk/latest/developerguide/metrics-details.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import AVERAGE, MAXIMUM, family

KAFKA: Final = ("Cluster Name",)
BROKER: Final = ("Cluster Name", "Broker ID")
GROUP: Final = ("Cluster Name", "Consumer Group", "Topic")

_LAG = "Absent unless the group is STABLE or EMPTY and has committed offsets, or when its name has a colon."

KAFKA_METRICS: Final = family(
    "kafka",
    "AWS/Kafka",
    ("kafka_max_offset_lag", "MaxOffsetLag", MAXIMUM, "Count", GROUP, "Lag of the worst partition", _LAG),
    ("kafka_sum_offset_lag", "SumOffsetLag", MAXIMUM, "Count", GROUP, "Lag of all partitions", _LAG),
    ("kafka_time_lag", "EstimatedMaxTimeLag", MAXIMUM, "Seconds", GROUP, "Lag of the worst partition in time", _LAG),
    (
        "kafka_active_controllers",
        "ActiveControllerCount",
        AVERAGE,
        "Count",
        KAFKA,
        "Active controllers",
        "Where each broker reports its own, a healthy cluster of three has an average of a third: watch its changes.",
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
        "It rises in every rolling update: it means trouble only when it stays; Express brokers do not report it.",
    ),
    (
        "kafka_disk_used",
        "KafkaDataLogsDiskUsed",
        MAXIMUM,
        "Percent",
        BROKER,
        "Disk used by topics",
        "Express brokers have no disks of their own and do not report it.",
    ),
    (
        "kafka_cpu_user",
        "CpuUser",
        MAXIMUM,
        "Percent",
        BROKER,
        "CPU in user space",
        "Only half of the load: AWS asks to keep CpuUser plus CpuSystem below 60 %.",
    ),
    (
        "kafka_cpu_system",
        "CpuSystem",
        MAXIMUM,
        "Percent",
        BROKER,
        "CPU in the kernel",
        "Only half of the load: AWS asks to keep CpuUser plus CpuSystem below 60 %.",
    ),
    (
        "kafka_bytes_in",
        "BytesInPerSec",
        AVERAGE,
        "Bytes/Second",
        BROKER,
        "Bytes in",
        "From clients only, replication is left out; by broker it is free, by topic it needs a level that costs.",
    ),
    (
        "kafka_bytes_out",
        "BytesOutPerSec",
        AVERAGE,
        "Bytes/Second",
        BROKER,
        "Bytes out",
        "To clients only, replication is left out; by broker it is free, by topic it needs a level that costs.",
    ),
)
