"""The shared resources to collect, and the dimensions that identify them."""

from dataclasses import dataclass
from itertools import product

DimensionValues = tuple[str, ...]
"""The values of a metric's dimensions, in order."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of one installation; an empty field is not collected. `pods` are (namespace, pod)."""

    database_instances: tuple[str, ...] = ()
    aurora_cluster: str = ""
    kafka_cluster: str = ""
    kafka_brokers: tuple[str, ...] = ()
    kafka_groups: tuple[str, ...] = ()
    kafka_topics: tuple[str, ...] = ()
    balancer: str = ""
    target_groups: tuple[str, ...] = ()
    http_api: str = ""
    rest_api: str = ""
    stage: str = ""
    functions: tuple[str, ...] = ()
    cluster: str = ""
    namespaces: tuple[str, ...] = ()
    pods: tuple[tuple[str, str], ...] = ()

    def dimension_values(self) -> dict[tuple[str, ...], tuple[DimensionValues, ...]]:
        """The dimension values to collect, by the combination of dimensions in the catalogue."""
        kafka, balancer, cluster = _one(self.kafka_cluster), _one(self.balancer), _one(self.cluster)
        stage = _one(self.stage)
        return {
            ("DBInstanceIdentifier",): tuple(product(self.database_instances)),
            ("DBClusterIdentifier",): tuple(product(_one(self.aurora_cluster))),
            ("Cluster Name",): tuple(product(kafka)),
            ("Cluster Name", "Broker ID"): tuple(product(kafka, self.kafka_brokers)),
            ("Cluster Name", "Consumer Group", "Topic"): tuple(product(kafka, self.kafka_groups, self.kafka_topics)),
            ("LoadBalancer",): tuple(product(balancer)),
            ("TargetGroup", "LoadBalancer"): tuple(product(self.target_groups, balancer)),
            ("ApiId", "Stage"): tuple(product(_one(self.http_api), stage)),
            ("ApiName", "Stage"): tuple(product(_one(self.rest_api), stage)),
            ("FunctionName",): tuple(product(self.functions)),
            ("ClusterName",): tuple(product(cluster)),
            ("ClusterName", "Namespace"): tuple(product(cluster, self.namespaces)),
            ("ClusterName", "Namespace", "PodName"): tuple((name, *pod) for name in cluster for pod in self.pods),
            # Two points a day: the collector drops values after three periods, so it would pay for nothing.
            ("CertificateArn",): (),
        }


def _one(name: str) -> tuple[str, ...]:
    return (name,) if name else ()
