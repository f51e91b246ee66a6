"""What is read of EKS by Container Insights.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import MAXIMUM, MINIMUM, family

CLUSTER: Final = ("ClusterName",)
NAMESPACE: Final = ("ClusterName", "Namespace")
POD: Final = ("ClusterName", "Namespace", "PodName")

_LIMIT = "Absent for pods that have a container without a limit; where Container Insights is enhanced, each is billed."

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
        "Any node condition counts, memory pressure too: a failed node may still run pods.",
    ),
    (
        "cluster_nodes",
        "cluster_node_count",
        MINIMUM,
        "Count",
        CLUSTER,
        "Nodes",
        "It comes from the agent on the nodes: when all are gone it is absent, not zero.",
    ),
    (
        "node_cpu",
        "node_cpu_utilization",
        ("Average", "Maximum"),
        "Percent",
        CLUSTER,
        "CPU of nodes",
        "The average hides one full node among many idle ones: look at the maximum as well.",
    ),
    (
        "node_memory",
        "node_memory_utilization",
        ("Average", "Maximum"),
        "Percent",
        CLUSTER,
        "Memory of nodes",
        "It is the working set over the node's limit; the page cache that can be reclaimed is left out.",
    ),
    (
        "node_filesystem",
        "node_filesystem_utilization",
        MAXIMUM,
        "Percent",
        CLUSTER,
        "Disk of nodes",
        "Kubelet evicts pods from 85 % on, before the disk is full.",
    ),
    ("pod_cpu", "pod_cpu_utilization_over_pod_limit", MAXIMUM, "Percent", NAMESPACE, "CPU of pods", _LIMIT),
    ("pod_memory", "pod_memory_utilization_over_pod_limit", MAXIMUM, "Percent", NAMESPACE, "Memory of pods", _LIMIT),
    (
        "pod_restarts",
        "pod_number_of_container_restarts",
        MAXIMUM,
        "Count",
        POD,
        "Restarts of containers",
        "A total since the pod began: only its rise says something, and a new pod begins at zero.",
    ),
)
