"""Deliberate faults, at least one per property, each with the test that must catch it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """An edit that breaks a property: the first `old` in the file at `path` becomes `new`.

    If `old` is empty, the file is created. `test` is the id of the test that must fail. Its failure must contain
    `failure`, because a `tree` has several faults and each must be caught for the right reason.
    """

    number: int
    what: str
    path: str
    old: str
    new: str
    test: str
    failure: str
    tree: str


# Assembled, so that this file contains no account id.
_ACCOUNT: Final = "1234" * 3
_CHART: Final = "tests/infra/chart"
_GITOPS: Final = "tests/infra/gitops"
_PLAN: Final = "tests/infra/plan"
_ROOT: Final = "tests/infra/test_terraform.py"
_TEXT: Final = "tests/infra/text"
_RULES: Final = "tests/infra/policies/test_policies.py::test_plans_violate_no_rule"
# Each tree is planned once, so faults of one environment share a tree.
_DEV: Final = "dev"
_PROD: Final = "prod"
_STILL: Final = "nothing planned"
_MORE: Final = "nothing planned either"
_INVALID: Final = "invalid"

FAULTS: Final = (
    Fault(
        1,
        "a Terraform file is not formatted",
        "terraform/modules/queue/main.tf",
        "{\n",
        "{\n\n\n     ",
        f"{_ROOT}::test_every_file_is_formatted",
        "terraform/modules/queue/main.tf",
        _DEV,
    ),
    Fault(
        1,
        "an undeclared variable is read",
        "terraform/aws/main.tf",
        "var.nat_mode",
        "var.nat_modus",
        f"{_ROOT}::test_the_root_is_valid",
        'variable with the name "nat_modus" has not been declared',
        _INVALID,
    ),
    Fault(
        2,
        "a policy allows every action",
        "terraform/aws/workloads.tf",
        'Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]',
        'Action   = "*"',
        f"{_RULES}[dev-rds]",
        "'every action', \"module.eks.aws_iam_role_policy.workload",
        _DEV,
    ),
    Fault(
        2,
        "the role that generates passwords may read them",
        "terraform/aws/workloads.tf",
        'Action   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]',
        'Action   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]',
        f"{_PLAN}/test_identity.py::test_the_role_that_writes_initial_values_reads_none[dev-rds]",
        "{'secretsmanager:GetSecretValue':",
        _DEV,
    ),
    Fault(
        2,
        "the role that generates passwords may write tokens",
        "terraform/aws/workloads.tf",
        "Resource = module.secrets.generated_arns",
        "Resource = values(module.secrets.arns)",
        f"{_PLAN}/test_identity.py::test_the_role_that_writes_initial_values_reads_none[prod-rds]",
        "secret:token",
        _PROD,
    ),
    Fault(
        2,
        "a node may write to every bucket",
        "terraform/modules/eks/main.tf",
        '"AmazonEC2ContainerRegistryPullOnly"',
        '"AmazonEC2ContainerRegistryPullOnly", "AmazonS3FullAccess"',
        f"{_PLAN}/test_cluster.py::test_a_node_may_join_and_pull_and_nothing_else[dev]",
        "AmazonS3FullAccess",
        _DEV,
    ),
    Fault(
        3,
        "a Terraform workload names a service account that no chart has",
        "terraform/aws/workloads.tf",
        'service_account = "anden-ingest"',
        'service_account = "anden-intake"',
        f"{_CHART}/test_joins.py::test_service_accounts_match_pod_identity_associations[dev]",
        "'anden-intake'",
        _DEV,
    ),
    Fault(
        4,
        "a real account id is in a file",
        "charts/anden/values-dev.yaml",
        "network:\n",
        f"# Pushed to {_ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com\nnetwork:\n",
        f"{_TEXT}/test_text.py::test_no_file_violates_a_rule_without_a_reason[account-id]",
        ".dkr.ecr.eu-west-1.amazonaws.com",
        _STILL,
    ),
    Fault(
        4,
        "an image has the tag latest",
        "compose.yaml",
        "prom/prometheus:v3.13.3",
        "prom/prometheus:latest",
        f"{_TEXT}/test_pins.py::test_external_artifacts_are_pinned_by_hash_or_listed",
        "compose.yaml: prom/prometheus:latest is not exact",
        _STILL,
    ),
    Fault(
        5,
        "the cluster's API is open to the internet",
        "terraform/modules/eks/main.tf",
        "endpoint_public_access  = length(var.endpoint_public_access_cidrs) > 0",
        "endpoint_public_access  = true",
        f"{_PLAN}/test_cluster.py::test_the_api_is_private_and_only_entries_give_access[prod]",
        "assert (True, True) == (True, False)",
        _PROD,
    ),
    Fault(
        5,
        "the cluster's creator is its administrator",
        "terraform/modules/eks/main.tf",
        "bootstrap_cluster_creator_admin_permissions = false",
        "bootstrap_cluster_creator_admin_permissions = true",
        f"{_PLAN}/test_cluster.py::test_the_api_is_private_and_only_entries_give_access[dev]",
        "{'bootstrap_cluster_creator_admin_permissions': True} !=",
        _DEV,
    ),
    Fault(
        6,
        "support of the cluster's version has ended",
        "terraform/modules/eks/main.tf",
        '"1.35" = "2027-03-27"',
        '"1.35" = "2026-03-27"',
        "tests/infra/variables/test_support.py::test_an_environment_runs_a_supported_version[dev]",
        "Kubernetes 1.35 ended on 2026-03-27",
        _STILL,
    ),
    Fault(
        7,
        "a custom resource is created at plan time",
        "terraform/modules/kubernetes/manifest.tf",
        "",
        'resource "kubernetes_manifest" "store" {\n  manifest = {}\n}\n',
        f"{_GITOPS}/test_cluster_root.py::test_no_manifest_and_no_provider_in_a_module",
        "'kubernetes_manifest' not in {'",
        _STILL,
    ),
    Fault(
        7,
        "the first root renames an output that the second one reads",
        "terraform/aws/outputs.tf",
        'output "cluster_endpoint"',
        'output "cluster_address"',
        f"{_GITOPS}/test_cluster_root.py::test_the_second_root_reads_only_declared_outputs",
        "'cluster_endpoint'",
        _STILL,
    ),
    Fault(
        8,
        "a template of a chart is broken",
        "charts/storage/templates/broken.yaml",
        "",
        "kind: {{ .Values.novel.key }\n",
        f"{_GITOPS}/test_addons.py::test_an_addon_lints[storage-dev]",
        "storage/templates/broken.yaml:1",
        _MORE,
    ),
    Fault(
        8,
        "a pod has a field unknown to Kubernetes",
        "charts/anden/templates/web.yaml",
        "readinessProbe:",
        "readynessProbe:",
        f"{_CHART}/test_render.py::test_kubernetes_knows_every_field[dev]",
        "'readynessProbe' was unexpected",
        _STILL,
    ),
    Fault(
        8,
        "a directory is in two waves",
        "gitops/values.yaml",
        "directories: [storage, external-secrets]",
        "directories: [storage, external-secrets, keda]",
        f"{_GITOPS}/test_applications.py::test_each_directory_becomes_exactly_one_application[dev-rds]",
        "'keda', 'storage', 'aws-load-balancer-controller', 'external-dns', 'keda'",
        _MORE,
    ),
    Fault(
        9,
        "CRDs are installed after their users",
        "gitops/values.yaml",
        "  - {name: foundations, directories: [storage, external-secrets]}",
        "  - {name: foundations, directories: [storage]}",
        f"{_GITOPS}/test_addons.py::test_crds_are_installed_before_their_users",
        "'ExternalSecret')",
        _STILL,
    ),
    Fault(
        9,
        "passwords are read before they are generated",
        "charts/secrets/templates/jobs.yaml",
        'annotations: {argocd.argoproj.io/sync-wave: "1"}',
        'annotations: {argocd.argoproj.io/sync-wave: "-1"}',
        f"{_CHART}/test_secrets.py::test_the_application_is_synced_only_after_the_job_succeeded",
        "assert 0 < -1",
        _STILL,
    ),
    Fault(
        9,
        "prod's Argo CD has a Redis that its default deny blocks",
        "terraform/modules/kubernetes/values/argocd-ha.yaml",
        "# Redis stays single",
        "redis-ha: {enabled: true}\n# Redis stays single",
        f"{_GITOPS}/test_cluster_root.py::test_argo_cds_default_deny_blocks_none_of_its_components[prod]",
        "redis-ha: networkPolicy.enabled",
        _STILL,
    ),
    Fault(
        9,
        "server-side apply is combined with client-side diff",
        "terraform/modules/kubernetes/values/argocd.yaml",
        "controller.diff.server.side: true",
        "controller.diff.server.side: false",
        f"{_GITOPS}/test_cluster_root.py::test_server_side_apply_uses_server_side_diff",
        "controller.diff.server.side",
        _STILL,
    ),
    Fault(
        10,
        "a chart creates a load balancer that no destroy removes",
        "charts/anden/templates/web.yaml",
        "type: ClusterIP",
        "type: LoadBalancer",
        f"{_CHART}/test_joins.py::test_pods_only_join_what_terraform_owns[dev]",
        "'LoadBalancer'",
        _STILL,
    ),
    Fault(
        11,
        "a pod reads a key that no ExternalSecret provides",
        "charts/anden/templates/secrets.yaml",
        "- secretKey: password",
        "- secretKey: passphrase",
        f"{_CHART}/test_joins.py::test_external_secrets_create_every_secret_that_pods_read[dev]",
        "assert 'password' in {",
        _STILL,
    ),
    Fault(
        11,
        "Terraform writes a secret's value",
        "terraform/modules/secrets/written.tf",
        "",
        'resource "aws_secretsmanager_secret_version" "written" {\n'
        '  secret_id                = aws_secretsmanager_secret.plain["django/secret-key"].id\n'
        '  secret_string_wo         = "planted"\n'
        "  secret_string_wo_version = 1\n}\n",
        f"{_CHART}/test_secrets.py::test_every_secret_is_generated_or_written_by_hand[dev-rds]",
        "module.secrets.aws_secretsmanager_secret_version.written",
        _DEV,
    ),
    Fault(
        11,
        "a role's password is not generated",
        "charts/secrets/values.yaml",
        "analyst, monitor]",
        "analyst]",
        f"{_CHART}/test_secrets.py::test_every_secret_is_generated_or_written_by_hand[prod-cloudnativepg]",
        "'anden-prod/postgres/monitor'",
        _PROD,
    ),
    Fault(
        12,
        "prod's database is in one zone",
        "terraform/environments/prod.tfvars",
        "multi_az        = true",
        "multi_az        = false",
        f"{_PLAN}/test_database.py::test_prod_survives_a_zone_and_a_mistake",
        '["multi_az"] is True',
        _PROD,
    ),
    Fault(
        12,
        "the database accepts connections without TLS",
        "terraform/modules/postgres/main.tf",
        '"rds.force_ssl"                       = { value = "1"',
        '"rds.force_ssl"                       = { value = "0"',
        f"{_PLAN}/test_database.py::test_a_database_is_encrypted_private_and_requires_tls[dev]",
        "assert '0' == '1'",
        _DEV,
    ),
    Fault(
        12,
        "a minor version that AWS raises is pinned",
        "terraform/modules/postgres/main.tf",
        "engine_version = var.engine_version",
        'engine_version = "${var.engine_version}.6"',
        f"{_PLAN}/test_database.py::test_versions_that_aws_raises_are_not_pinned[prod]",
        "'17.6'.isdigit",
        _PROD,
    ),
    Fault(
        13,
        "there may be more workers than partitions",
        "charts/anden/values.yaml",
        "  maxReplicas: 4\n  lagPerWorker",
        "  maxReplicas: 40\n  lagPerWorker",
        f"{_CHART}/test_joins.py::test_workers_never_exceed_partitions[minimal]",
        "assert 40 <= 4",
        _STILL,
    ),
    Fault(
        13,
        "a producer's typo creates a topic",
        "terraform/modules/kafka/main.tf",
        "auto.create.topics.enable=false",
        "auto.create.topics.enable=true",
        f"{_PLAN}/test_kafka.py::test_topics_have_three_replicas_and_are_never_auto_created[prod]",
        "{'auto.create.topics.enable': 'true'} !=",
        _PROD,
    ),
    Fault(
        14,
        "the gateway exposes the admin",
        "terraform/modules/edge/main.tf",
        '"ANY /api/{proxy+}" = "web"',
        '"ANY /{proxy+}" = "web"',
        f"{_PLAN}/test_edge.py::test_the_api_is_public_and_admin_metrics_and_probes_are_not[dev]",
        "'/metrics'",
        _DEV,
    ),
    Fault(
        14,
        "the balancer faces the internet",
        "terraform/modules/edge/main.tf",
        "internal                   = true",
        "internal                   = false",
        f"{_PLAN}/test_edge.py::test_the_gateway_reaches_only_the_load_balancer_and_the_function[prod]",
        '["internal"] is True',
        _PROD,
    ),
    Fault(
        15,
        "an alarm watches a metric that does not exist",
        "terraform/aws/alarms.tf",
        '"FreeStorageSpace"',
        '"FreeStorage"',
        f"{_PLAN}/test_alarms.py::test_each_alarm_watches_a_metric_of_the_catalogue_by_its_own_dimensions[dev]",
        "'anden-dev-rds-storage-low'",
        _DEV,
    ),
    Fault(
        15,
        "dev pays for a NAT gateway in each zone",
        "terraform/environments/dev.tfvars",
        'nat_mode         = "single"',
        'nat_mode         = "per_zone"',
        f"{_PLAN}/test_costs.py::test_dev_is_as_cheap_as_possible",
        "assert 3 <= 1",
        _DEV,
    ),
)
