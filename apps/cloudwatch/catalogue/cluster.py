"""Metrics of EKS, from Container Insights.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import MAXIMUM, MINIMUM, family

CLUSTER: Final = ("ClusterName",)
NAMESPACE: Final = ("ClusterName", "Namespace")
POD: Final = ("ClusterName", "Namespace", "PodName")

_LIMIT = "Absent for pods with a container without a limit; enhanced Container Insights bills each metric."

CLUSTER_METRICS: Final = family(
    "cluster",
    "ContainerInsights",
    (
        "cluster_failed_nodes",
        "cluster_failed_node_count",
        MAXIMUM,
        "Count",
        CLUSTER,
        "Failed nodes",
        "Any node condition counts, including memory pressure: a failed node may still run pods.",
    ),
    (
        "cluster_nodes",
        "cluster_node_count",
        MINIMUM,
        "Count",
        CLUSTER,
        "Nodes",
        "Reported by an agent on the nodes: absent, not zero, when all nodes are gone.",
    ),
    (
        "node_cpu",
        "node_cpu_utilization",
        ("Average", "Maximum"),
        "Percent",
        CLUSTER,
        "Node CPU",
        "The average hides one full node among idle ones: check the maximum too.",
    ),
    (
        "node_memory",
        "node_memory_utilization",
        ("Average", "Maximum"),
        "Percent",
        CLUSTER,
        "Node memory",
        "Working set relative to the node's limit, without reclaimable page cache.",
    ),
    (
        "node_filesystem",
        "node_filesystem_utilization",
        MAXIMUM,
        "Percent",
        CLUSTER,
        "Node disk",
        "Kubelet evicts pods at 85 %, before the disk is full.",
    ),
    ("pod_cpu", "pod_cpu_utilization_over_pod_limit", MAXIMUM, "Percent", NAMESPACE, "Pod CPU", _LIMIT),
    ("pod_memory", "pod_memory_utilization_over_pod_limit", MAXIMUM, "Percent", NAMESPACE, "Pod memory", _LIMIT),
    (
        "pod_restarts",
        "pod_number_of_container_restarts",
        MAXIMUM,
        "Count",
        POD,
        "Container restarts",
        "A total since the pod started: only increases matter, and a new pod starts at zero.",
    ),
)
