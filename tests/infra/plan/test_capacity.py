"""The nodes of each environment have room for all pod requests; in prod even with one node lost."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import yaml

from tests.infra.charts import ROOT, anden, merged, value_file
from tests.infra.plans import ENVIRONMENTS, Planner

Size = tuple[float, float]
# Allocatable cores and GiB per instance type.
ALLOCATABLE: Final = {"t4g.large": (1.93, 6.9), "m7g.large": (1.93, 6.9), "m7g.xlarge": (3.92, 14.2)}
# Requests of DaemonSets per node, and of EKS's other add-ons in total.
EACH_NODE: Final = (0.25, 0.3)
OF_EKS: Final = (0.5, 0.9)
NOT_COUNTED: Final = {"anden", "cert-manager", "cloudnative-pg", "postgresql"}
UNITS: Final = {"m": 0.001, "Mi": 1 / 1024, "Gi": 1.0}


def amount(text: str) -> float:
    """Cores, or GiB."""
    unit = next((each for each in UNITS if text.endswith(each)), "")
    return float(text.removesuffix(unit)) * UNITS.get(unit, 1.0)


def requested(requests: Mapping[str, Any], times: int) -> Size:
    """Cores and GiB requested by this many pods."""
    return times * amount(str(requests["cpu"])), times * amount(str(requests["memory"]))


def of_anden(environment: str) -> Iterator[Size]:
    """Requests of each Deployment of charts/anden, at its minimum number of pods."""
    objects = anden(environment)
    least = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"].get("minReplicas") or each["spec"]["minReplicaCount"]
        for each in objects
        if each["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
    }
    for each in objects:
        if each["kind"] == "Deployment":
            times = least.get(each["metadata"]["name"], each["spec"].get("replicas"))
            for container in each["spec"]["template"]["spec"]["containers"]:
                yield requested(container["resources"]["requests"], times)


def of_values(values: Mapping[str, Any]) -> Iterator[Size]:
    """Requests in Helm values: every `resources`, times the replicas next to it."""
    times = values.get("replicas") or values.get("replicaCount") or 1
    for key, value in values.items():
        if key == "resources" and "cpu" in value.get("requests", {}):
            yield requested(value["requests"], times)
        elif isinstance(value, Mapping):
            yield from of_values(value)


def of_addons(environment: str) -> Iterator[Size]:
    """Requests of Argo CD and the add-ons that are always installed."""
    extra = f"values-{environment}.yaml"
    for path in sorted((ROOT / "charts").iterdir()):
        if path.name not in NOT_COUNTED:
            yield from of_values(merged(value_file(path, "values.yaml"), value_file(path, extra)))
    argo = ROOT / "terraform/modules/kubernetes/values"
    names = ["argocd.yaml", *(["argocd-ha.yaml"] if environment == "prod" else [])]
    yield from of_values(merged(*(yaml.safe_load((argo / name).read_text()) for name in names)))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nodes_have_room_for_all_pod_requests(planned: Planner, environment: str) -> None:
    (group,) = planned(environment).of("aws_eks_node_group").values()
    (scaling,) = group["scaling_config"]
    assert scaling["desired_size"] == scaling["min_size"]
    nodes = scaling["desired_size"] - (1 if environment == "prod" else 0)
    wanted = [OF_EKS, *of_anden(environment), *of_addons(environment)]
    for index, name in enumerate(("cores", "GiB")):
        room = nodes * (ALLOCATABLE[group["instance_types"][0]][index] - EACH_NODE[index])
        needed = sum(each[index] for each in wanted)
        assert needed <= room, f"{environment}: pods request {needed:.1f} {name}, {nodes} nodes have {room:.1f}"
