"""What is read of RDS and Aurora.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import AVERAGE, MAXIMUM, MINIMUM, family

INSTANCE: Final = ("DBInstanceIdentifier",)
AURORA: Final = ("DBClusterIdentifier",)

_DISK = "These are seconds per disk operation, not per query; a query served from memory does not show here."

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
        "It counts disk operations, not queries; when hardly any happen, their latency means little.",
    ),
    (
        "database_write_operations",
        "WriteIOPS",
        AVERAGE,
        "Count/Second",
        INSTANCE,
        "Disk writes",
        "It counts disk operations, not queries; WAL and checkpoints write, too, when no client does.",
    ),
    (
        "database_disk_queue",
        "DiskQueueDepth",
        MAXIMUM,
        "Count",
        INSTANCE,
        "Disk operations that wait",
        "Aurora's storage has no such queue: compare instances of RDS only.",
    ),
    (
        "database_cpu",
        "CPUUtilization",
        MAXIMUM,
        "Percent",
        INSTANCE,
        "CPU of the database",
        "On burstable classes a low figure can be throttling: look at the CPU credits as well.",
    ),
    (
        "database_connections",
        "DatabaseConnections",
        MAXIMUM,
        "Count",
        INSTANCE,
        "Client connections",
        "Background workers are left out, so max_connections is reached earlier than this says.",
    ),
    (
        "database_free_memory",
        "FreeableMemory",
        MINIMUM,
        "Bytes",
        INSTANCE,
        "Memory that can be freed",
        "The page cache counts as freeable, so a busy and healthy instance looks fuller than it is.",
    ),
    (
        "database_free_storage",
        "FreeStorageSpace",
        MINIMUM,
        "Bytes",
        INSTANCE,
        "Free storage",
        "RDS only: Aurora's storage grows by itself and this metric does not exist there.",
    ),
    (
        "database_wal_disk",
        "TransactionLogsDiskUsage",
        MAXIMUM,
        "Bytes",
        INSTANCE,
        "Disk used by the write-ahead log",
        "PostgreSQL on RDS only: a replication slot that nobody reads makes it grow until the disk is full.",
    ),
    (
        "database_transaction_ids",
        "MaximumUsedTransactionIDs",
        MAXIMUM,
        "Count",
        INSTANCE,
        "Transaction ids in use",
        "PostgreSQL only: the database stops accepting writes near 2,144,000,000, long after autovacuum fell behind.",
    ),
    (
        "aurora_commit_latency",
        "CommitLatency",
        AVERAGE,
        "Milliseconds",
        AURORA,
        "Commit latency of Aurora",
        "Aurora only, in milliseconds where disk latencies are in seconds; there is no such metric for plain RDS.",
    ),
    (
        "aurora_deadlocks",
        "Deadlocks",
        AVERAGE,
        "Count/Second",
        AURORA,
        "Deadlocks of Aurora",
        "Aurora only, and a rate per second, not a count.",
    ),
    (
        "aurora_replica_lag",
        "AuroraReplicaLag",
        MAXIMUM,
        "Milliseconds",
        AURORA,
        "Replica lag of Aurora",
        "Milliseconds, and absent for a cluster without replicas.",
    ),
)
