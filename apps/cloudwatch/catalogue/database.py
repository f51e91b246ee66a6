"""Metrics of RDS and Aurora.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import AVERAGE, MAXIMUM, MINIMUM, family

INSTANCE: Final = ("DBInstanceIdentifier",)
AURORA: Final = ("DBClusterIdentifier",)

_DISK = "Seconds per disk operation, not per query; queries served from memory do not count."

DATABASE_METRICS: Final = family(
    "database",
    "AWS/RDS",
    ("database_read_latency", "ReadLatency", AVERAGE, "Seconds", INSTANCE, "Disk read latency", _DISK),
    ("database_write_latency", "WriteLatency", AVERAGE, "Seconds", INSTANCE, "Disk write latency", _DISK),
    (
        "database_read_operations",
        "ReadIOPS",
        AVERAGE,
        "Count/Second",
        INSTANCE,
        "Disk reads",
        "Counts disk operations, not queries; when there are few, their latency means little.",
    ),
    (
        "database_write_operations",
        "WriteIOPS",
        AVERAGE,
        "Count/Second",
        INSTANCE,
        "Disk writes",
        "Counts disk operations, not queries; WAL and checkpoints write even when no client does.",
    ),
    (
        "database_disk_queue",
        "DiskQueueDepth",
        MAXIMUM,
        "Count",
        INSTANCE,
        "Queued disk operations",
        "Aurora's storage has no such queue: compare RDS instances only.",
    ),
    (
        "database_cpu",
        "CPUUtilization",
        MAXIMUM,
        "Percent",
        INSTANCE,
        "Database CPU",
        "On burstable classes a low value can mean throttling: check the CPU credits too.",
    ),
    (
        "database_connections",
        "DatabaseConnections",
        MAXIMUM,
        "Count",
        INSTANCE,
        "Client connections",
        "Excludes background workers, so max_connections is reached earlier.",
    ),
    (
        "database_free_memory",
        "FreeableMemory",
        MINIMUM,
        "Bytes",
        INSTANCE,
        "Freeable memory",
        "The page cache counts as freeable, so a busy, healthy instance can appear fuller than it is.",
    ),
    (
        "database_free_storage",
        "FreeStorageSpace",
        MINIMUM,
        "Bytes",
        INSTANCE,
        "Free storage",
        "RDS only: Aurora's storage grows automatically and does not report it.",
    ),
    (
        "database_wal_disk",
        "TransactionLogsDiskUsage",
        MAXIMUM,
        "Bytes",
        INSTANCE,
        "Write-ahead log disk usage",
        "PostgreSQL on RDS only: an unused replication slot lets it grow until the disk is full.",
    ),
    (
        "database_transaction_ids",
        "MaximumUsedTransactionIDs",
        MAXIMUM,
        "Count",
        INSTANCE,
        "Transaction IDs in use",
        "PostgreSQL only: the database stops accepting writes near 2,144,000,000, long after autovacuum fell behind.",
    ),
    (
        "aurora_commit_latency",
        "CommitLatency",
        AVERAGE,
        "Milliseconds",
        AURORA,
        "Aurora commit latency",
        "Aurora only, and in milliseconds, whereas disk latencies are in seconds.",
    ),
    (
        "aurora_deadlocks",
        "Deadlocks",
        AVERAGE,
        "Count/Second",
        AURORA,
        "Aurora deadlocks",
        "Aurora only, and a rate per second, not a count.",
    ),
    (
        "aurora_replica_lag",
        "AuroraReplicaLag",
        MAXIMUM,
        "Milliseconds",
        AURORA,
        "Aurora replica lag",
        "In milliseconds; absent for a cluster without replicas.",
    ),
)
