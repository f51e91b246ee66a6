"""Where charts/anden meets Terraform, contracts, metrics, and the definitions of custom resources."""

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
    """The objects of this kind, by name."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def test_custom_resources_are_as_their_definitions_say(rendered: list[Manifest]) -> None:
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
def test_accounts_and_pod_identity_are_the_same(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    associations = planned(environment).of("aws_eks_pod_identity_association").values()
    rights = {each["service_account"] for each in associations if each["namespace"] == "anden"}
    accounts = set(of(anden(environment), "ServiceAccount")) - {"anden"}
    assert accounts == rights
    evidence(f"{environment}: {len(accounts)} accounts of charts/anden, {len(rights)} associations")


@pytest.mark.property(3)
def test_workloads_name_the_same_accounts(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    text = (TERRAFORM / "aws" / "workloads.tf").read_text()
    rights = set(re.findall(r'namespace = "anden", service_account = "([\w-]+)"', text))
    accounts = set(of(rendered, "ServiceAccount"))
    assert accounts == rights | {"anden"}
    used = {pod["spec"]["serviceAccountName"] for _, pod in pods(rendered)}
    assert used <= accounts
    evidence(f"{len(rights)} accounts of the station's namespace, as terraform/aws/workloads.tf names them")


@pytest.mark.property(3)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_scales_by_cpu_has_somebody_who_measures_it(
    planned: Planner, environment: str, evidence: Callable[[str], None]
) -> None:
    scaled = of(anden(environment), "HorizontalPodAutoscaler")
    assert {metric["type"] for each in scaled.values() for metric in each["spec"]["metrics"]} == {"Resource"}
    addons = {each["addon_name"] for each in planned(environment).of("aws_eks_addon").values()}
    assert "metrics-server" in addons
    evidence(f"{environment}: {len(scaled)} scaled by CPU, which EKS's metrics-server measures")


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
def test_the_binding_joins_the_balancers_group(
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
    # A balancer waits for requests that a pod, which stops, still has.
    pod = next(each for name, each in pods(objects) if name == "Deployment/anden-web")
    assert int(group["deregistration_delay"]) < pod["spec"]["terminationGracePeriodSeconds"]
    evidence(f"{environment}: balancer, listener and group are planned; type, port and path are the pods'")


@pytest.mark.property(11)
def test_secrets_that_pods_read_are_made_by_external_secrets(
    rendered: list[Manifest], evidence: Callable[[str], None]
) -> None:
    made = {
        each["spec"]["target"]["name"]: {data["secretKey"] for data in each["spec"]["data"]}
        for each in of(rendered, "ExternalSecret").values()
    }
    read: set[tuple[str, str]] = set()
    for name, each in containers(rendered):
        for variable in each["env"]:
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["key"] in made[reference["name"]], name
                read.add((reference["name"], reference["key"]))
    for _, pod in pods(rendered):
        for volume in pod["spec"].get("volumes", []):
            if "secret" in volume:
                read.update((volume["secret"]["secretName"], key) for key in made[volume["secret"]["secretName"]])
    assert not of(rendered, "Secret")
    assert {name for name, _ in read} == set(made)
    evidence(f"{len(read)} keys of {len(made)} secrets, each made by an ExternalSecret")


@pytest.mark.property(11)
def test_what_djangos_former_key_signed_is_accepted_where_it_was_changed(evidence: Callable[[str], None]) -> None:
    objects = render(ANDEN, *environment_values("dev"), {"secrets": {"previousKey": True}})
    django = of(objects, "ExternalSecret")["anden-django"]["spec"]["data"]
    refs = {each["secretKey"]: each["remoteRef"] for each in django}
    # The stage that Secrets Manager itself moves when a new value is written.
    assert refs["previous-key"] == {**refs["secret-key"], "version": "AWSPREVIOUS"}
    reference = {"name": "anden-django", "key": "previous-key"}
    told = [
        {variable["name"]: variable.get("valueFrom") for variable in each["env"]} for _, each in containers(objects)
    ]
    told = [names for names in told if "ANDEN_SECRET_KEY" in names]
    assert told
    assert all(names["ANDEN_SECRET_KEY_FALLBACKS"] == {"secretKeyRef": reference} for names in told)
    evidence(
        f"Django's former key is Secrets Manager's former version, in {len(told)} containers, where it was changed"
    )


def test_what_hides_a_column_is_said_to_every_process_alike() -> None:
    chosen = {"classification": {"public": ["public", "internal"], "hiddenTags": ["pii"]}}
    told = [
        {variable["name"]: variable.get("value") for variable in each["env"]}
        for _, each in containers(render(ANDEN, *environment_values("dev"), chosen))
    ]
    told = [names for names in told if "ANDEN_SECRET_KEY" in names]
    assert told
    assert {names["ANDEN_DATASETS_PUBLIC_CLASSIFICATIONS"] for names in told} == {"public,internal"}
    assert {names["ANDEN_DATASETS_HIDDEN_TAGS"] for names in told} == {"pii"}


@pytest.mark.property(11)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_external_secrets_read_what_terraform_makes(
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
def test_never_more_workers_than_partitions(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    texts = [path.read_text() for path in sorted((ROOT / "contracts").glob("*.yaml"))]
    partitions = [int(found) for text in texts for found in re.findall(r"partitions: (\d+)", text)]
    assert len(partitions) > 3
    (scaled,) = of(rendered, "ScaledObject").values()
    spec = scaled["spec"]
    assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"] <= max(partitions)
    evidence(f"at most {spec['maxReplicaCount']} workers, {max(partitions)} partitions")


@pytest.mark.property(13)
def test_scaling_asks_for_metrics_that_there_are(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
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
def test_addresses_of_the_vpc_are_terraforms(environment: str) -> None:
    text = (TERRAFORM / "environments" / f"{environment}.tfvars").read_text()
    (cidr,) = re.findall(r'^cidr +=\s*"([\d./]+)"', text, re.M)
    values = yaml.safe_load((Path(ROOT) / "charts" / "anden" / f"values-{environment}.yaml").read_text())
    assert values["network"]["vpcCidr"] == cidr
