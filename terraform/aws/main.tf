# All AWS resources of one installation. The second root and Argo CD manage what runs inside the cluster.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition

  # See docs/architecture.md.
  database_roles = ["owner", "app", "ingest", "reader", "writer", "analyst", "monitor"]

  # Access for the second root's runs. Helm stores its releases in Secrets, which a plan must read.
  terraform_access = {
    terraform-apply = { principal_arn = module.identity.terraform_role_arns["apply"], access = "admin", namespaces = [] }
    terraform-plan  = { principal_arn = module.identity.terraform_role_arns["plan"], access = "inspect", namespaces = ["argocd"] }
  }
}

module "network" {
  source = "../modules/network"

  name                = var.name
  region              = var.region
  zones               = var.zones
  cidr                = var.cidr
  nat_mode            = var.nat_mode
  interface_endpoints = var.interface_endpoints
  flow_log_traffic    = var.flow_log_traffic
  log_retention_days  = var.log_retention_days
  kms_key_arn         = module.security.kms_key_arn
}

module "security" {
  source = "../modules/security"

  name              = var.name
  region            = var.region
  partition         = local.partition
  account_id        = data.aws_caller_identity.current.account_id
  vpc_id            = module.network.vpc_id
  key_deletion_days = var.protected ? 30 : 7
}

module "registry" {
  source = "../modules/registry"

  name        = var.name
  kms_key_arn = module.security.kms_key_arn
}

module "kafka" {
  source = "../modules/kafka"

  name               = var.name
  instance_type      = var.kafka.instance_type
  brokers_per_zone   = var.kafka.brokers_per_zone
  storage_gib        = var.kafka.storage_gib
  storage_max_gib    = var.kafka.storage_max_gib
  topics             = var.kafka.topics
  groups             = ["anden"]
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.security.ids.kafka
  kms_key_arn        = module.security.kms_key_arn
  log_retention_days = var.log_retention_days
}

module "postgres" {
  source = "../modules/postgres"

  name               = var.name
  partition          = local.partition
  mode               = var.postgres.mode
  instance_class     = var.postgres.instance_class
  storage_gib        = var.postgres.storage_gib
  storage_max_gib    = var.postgres.storage_max_gib
  multi_az           = var.postgres.multi_az
  backup_days        = var.postgres.backup_days
  protected          = var.protected
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.security.ids.postgres
  kms_key_arn        = module.security.kms_key_arn
  log_retention_days = var.log_retention_days
}

module "secrets" {
  source = "../modules/secrets"

  name          = var.name
  roles         = concat(local.database_roles, var.postgres.mode == "rds" ? [] : ["admin"])
  recovery_days = var.protected ? 7 : 0
  kms_key_arn   = module.security.kms_key_arn
}

module "queue" {
  source = "../modules/queue"

  name        = var.name
  kms_key_arn = module.security.kms_key_arn
}

module "eks" {
  source = "../modules/eks"

  name                         = var.name
  partition                    = local.partition
  kubernetes_version           = var.kubernetes_version
  subnet_ids                   = module.network.private_subnet_ids
  node_security_group_id       = module.security.ids.nodes
  kms_key_arn                  = module.security.kms_key_arn
  endpoint_public_access_cidrs = var.cluster_public_access_cidrs
  access_entries               = merge(var.cluster_access, local.terraform_access)
  node_groups                  = var.node_groups
  addon_versions               = var.addon_versions
  workloads                    = local.workloads
  log_retention_days           = var.log_retention_days
}

module "edge" {
  source = "../modules/edge"

  name                       = var.name
  partition                  = local.partition
  domain                     = var.domain
  zone_id                    = var.zone_id
  vpc_id                     = module.network.vpc_id
  private_subnet_ids         = module.network.private_subnet_ids
  security_group_ids         = { for role in ["balancer", "link", "function"] : role => module.security.ids[role] }
  protected                  = var.protected
  requests_per_second        = var.edge.requests_per_second
  requests_burst             = var.edge.requests_burst
  waf_requests_per_5_minutes = var.edge.waf_requests_per_5_minutes
  probe_zip                  = "${path.module}/../functions/probe.zip" # committed; make render updates it
  kms_key_arn                = module.security.kms_key_arn
  secret_recovery_days       = var.protected ? 7 : 0
  log_retention_days         = var.log_retention_days
}

module "observability" {
  source = "../modules/observability"

  name              = var.name
  region            = var.region
  dashboards_folder = "${path.module}/../../dashboards/cloudwatch"
  alarms            = local.alarms
  emails            = var.emails
  kms_key_arn       = module.security.kms_key_arn
}

module "identity" {
  source = "../modules/identity"

  name                   = var.name
  partition              = local.partition
  terraform_organization = var.terraform_cloud.organization
  terraform_project      = var.terraform_cloud.project
  terraform_workspaces   = var.terraform_cloud.workspaces
  github_repository      = var.github_repository
  registry_arn           = module.registry.repository_arn
}

module "budget" {
  source = "../modules/budget"

  name        = var.name
  monthly_usd = var.monthly_usd
  emails      = tolist(var.emails)
}
