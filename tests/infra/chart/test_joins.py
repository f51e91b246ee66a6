"""charts/anden agrees with Terraform, contracts, metrics and CRDs."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jsonschema
import pytest
import yaml

from apps.ingest import metrics as ingest
from tests.infra.chart.test_pods import containers, metrics_of, pods
from tests.infra.charts import ANDEN, ROOT, Manifest, anden, environment_values, render, station
from tests.infra.plans import ENVIRONMENTS, Planner

CRDS: Final = ROOT / "tests" / "infra" / "crds"
TERRAFORM: Final = ROOT / "terraform"


def of(objects: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Objects of this kind by name."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def test_custom_resources_match_their_crds(rendered: list[Manifest]) -> None:
    checked = 0
    for path in CRDS.glob("*.json"):
        schema = json.loads(path.read_text())
        for each in of(rendered, path.stem).values():
            if schema["properties"]["apiVersion"]["const"] == each["apiVersion"]:
                jsonschema.validate(each, schema)
                checked += 1
    custom = [
        each for each in rendered if re.search(r"\.(io|com|sh|aws)/", each["apiVersion"].replace("k8s.io", "k8s"))
    ]
    custom += list(of(rendered, "TargetGroupBinding").values())
    assert checked == len({(each["kind"], each["metadata"]["name"]) for each in custom})


@pytest.mark.property(3)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_service_accounts_match_pod_identity_associations(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    associations = planned(environment).of("aws_eks_pod_identity_association").values()
    granted = {each["service_account"] for each in associations if each["namespace"] == "anden"}
    accounts = set(of(anden(environment), "ServiceAccount")) - {"anden"}
    assert accounts == granted
    evidence(f"{environment}: {len(accounts)} accounts of charts/anden, {len(granted)} associations")


@pytest.mark.property(3)
def test_workloads_use_the_charts_service_accounts(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    text = (TERRAFORM / "aws" / "workloads.tf").read_text()
    granted = set(re.findall(r'namespace = "anden", service_account = "([\w-]+)"', text))
    accounts = set(of(rendered, "ServiceAccount"))
    assert accounts == granted | {"anden"}
    used = {pod["spec"]["serviceAccountName"] for _, pod in pods(rendered)}
    assert used <= accounts
    evidence(f"{len(granted)} accounts of namespace anden, as in terraform/aws/workloads.tf")


@pytest.mark.property(3)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_cpu_autoscaling_has_a_metrics_server(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    scaled = of(anden(environment), "HorizontalPodAutoscaler")
    assert {metric["type"] for each in scaled.values() for metric in each["spec"]["metrics"]} == {"Resource"}
    addons = {each["addon_name"] for each in planned(environment).of("aws_eks_addon").values()}
    assert "metrics-server" in addons
    evidence(f"{environment}: {len(scaled)} scaled by CPU, with EKS's metrics-server")


@pytest.mark.property(10)
def test_pods_only_join_what_terraform_owns(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    assert not of(rendered, "Ingress")
    assert {each["spec"]["type"] for each in of(rendered, "Service").values()} == {"ClusterIP"}
    (binding,) = of(rendered, "TargetGroupBinding").values()
    spec = binding["spec"]
    service = of(rendered, "Service")[spec["serviceRef"]["name"]]
    assert spec["serviceRef"]["port"] == service["spec"]["ports"][0]["port"]
    evidence("one TargetGroupBinding, no Ingress, no LoadBalancer")


@pytest.mark.property(10)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_binding_joins_the_load_balancers_target_group(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    plan, objects = planned(environment), anden(environment)
    (binding,) = of(objects, "TargetGroupBinding").values()
    assert binding["spec"]["targetGroupARN"] == station(environment)["global"]["station"]["targetGroupArn"]
    group, rule = plan.only("aws_lb_target_group"), plan.only("aws_lb_listener_rule")
    assert plan.outputs["station"]["target_group_arn"] == group["arn"]
    assert [(each["type"], each["target_group_arn"]) for each in rule["action"]] == [("forward", group["arn"])]
    assert rule["listener_arn"] == plan.only("aws_lb_listener")["arn"]
    web = next(each for name, each in containers(objects) if name == "Deployment/anden-web/web")
    (check,) = group["health_check"]
    assert binding["spec"]["targetType"] == group["target_type"]
    assert web["ports"][0]["containerPort"] == group["port"]
    assert web["readinessProbe"]["httpGet"]["path"] == check["path"]
    # The load balancer lets a terminating pod finish its requests.
    pod = next(each for name, each in pods(objects) if name == "Deployment/anden-web")
    assert int(group["deregistration_delay"]) < pod["spec"]["terminationGracePeriodSeconds"]
    evidence(
        f"{environment}: load balancer, listener and target group are planned; type, port and path match the pods"
    )


@pytest.mark.property(11)
def test_external_secrets_create_every_secret_that_pods_read(
    rendered: list[Manifest], evidence: Callable[[str], None]
) -> None:
    created = {
        each["spec"]["target"]["name"]: {data["secretKey"] for data in each["spec"]["data"]}
        for each in of(rendered, "ExternalSecret").values()
    }
    read: set[tuple[str, str]] = set()
    for name, each in containers(rendered):
        for variable in each["env"]:
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["key"] in created[reference["name"]], name
                read.add((reference["name"], reference["key"]))
    for _, pod in pods(rendered):
        for volume in pod["spec"].get("volumes", []):
            if "secret" in volume:
                read.update((volume["secret"]["secretName"], key) for key in created[volume["secret"]["secretName"]])
    assert not of(rendered, "Secret")
    assert {name for name, _ in read} == set(created)
    evidence(f"{len(read)} keys of {len(created)} secrets, each created by an ExternalSecret")


@pytest.mark.property(11)
def test_djangos_previous_key_is_accepted_after_a_rotation(evidence: Callable[[str], None]) -> None:
    objects = render(ANDEN, *environment_values("dev"), {"secrets": {"previousKey": True}})
    django = of(objects, "ExternalSecret")["anden-django"]["spec"]["data"]
    refs = {each["secretKey"]: each["remoteRef"] for each in django}
    # Secrets Manager moves this stage when a new value is written.
    assert refs["previous-key"] == {**refs["secret-key"], "version": "AWSPREVIOUS"}
    reference = {"name": "anden-django", "key": "previous-key"}
    environments = [
        {variable["name"]: variable.get("valueFrom") for variable in each["env"]} for _, each in containers(objects)
    ]
    environments = [names for names in environments if "ANDEN_SECRET_KEY" in names]
    assert environments
    assert all(names["ANDEN_SECRET_KEY_FALLBACKS"] == {"secretKeyRef": reference} for names in environments)
    evidence(f"after a rotation, {len(environments)} containers get Django's previous key")


def test_every_process_gets_the_same_classification_settings() -> None:
    values = {"classification": {"public": ["public", "internal"], "hiddenTags": ["pii"]}}
    environments = [
        {variable["name"]: variable.get("value") for variable in each["env"]}
        for _, each in containers(render(ANDEN, *environment_values("dev"), values))
    ]
    environments = [names for names in environments if "ANDEN_SECRET_KEY" in names]
    assert environments
    assert {names["ANDEN_DATASETS_PUBLIC_CLASSIFICATIONS"] for names in environments} == {"public,internal"}
    assert {names["ANDEN_DATASETS_HIDDEN_TAGS"] for names in environments} == {"pii"}


@pytest.mark.property(11)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_external_secrets_read_secrets_that_terraform_creates(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    names = {each["name"] for each in planned(environment).of("aws_secretsmanager_secret").values()}
    wanted = {
        data["remoteRef"]["key"]
        for each in of(anden(environment), "ExternalSecret").values()
        for data in each["spec"]["data"]
    }
    own = {key for key in wanted if not key.startswith("arn:")}
    assert own <= names, own - names
    evidence(f"{environment}: {len(own)} remote keys of charts/anden are in the plan")


@pytest.mark.property(13)
def test_workers_never_exceed_partitions(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    texts = [path.read_text() for path in sorted((ROOT / "contracts").glob("*.yaml"))]
    partitions = [int(found) for text in texts for found in re.findall(r"partitions: (\d+)", text)]
    assert len(partitions) > 3
    (scaled,) = of(rendered, "ScaledObject").values()
    spec = scaled["spec"]
    assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"] <= max(partitions)
    evidence(f"at most {spec['maxReplicaCount']} workers, {max(partitions)} partitions")


@pytest.mark.property(13)
def test_scaling_queries_metrics_that_exist(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    (scaled,) = of(rendered, "ScaledObject").values()
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    asked = set(re.findall(r"\banden_\w+", trigger["metadata"]["query"]))
    assert asked
    assert asked <= {each.name for each in metrics_of(ingest)}
    assert scaled["spec"]["scaleTargetRef"]["name"] in of(rendered, "Deployment")
    assert "replicas" not in of(rendered, "Deployment")["anden-ingest"]["spec"]
    assert "replicas" not in of(rendered, "Deployment")["anden-web"]["spec"]
    evidence(f"workers follow {', '.join(sorted(asked))}")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_vpc_cidr_matches_terraform(environment: str) -> None:
    text = (TERRAFORM / "environments" / f"{environment}.tfvars").read_text()
    (cidr,) = re.findall(r'^cidr +=\s*"([\d./]+)"', text, re.M)
    values = yaml.safe_load((Path(ROOT) / "charts" / "anden" / f"values-{environment}.yaml").read_text())
    assert values["network"]["vpcCidr"] == cidr
