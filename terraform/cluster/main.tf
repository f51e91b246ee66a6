# What Argo CD needs to begin. Everything else in the cluster is Argo CD's.

# Builtin, so it needs no provider. The first root shares its state with this workspace; no secret stands in it.
data "terraform_remote_state" "aws" {
  backend = "remote"

  config = {
    organization = var.organization
    workspaces   = { name = var.aws_workspace }
  }
}

locals {
  aws = data.terraform_remote_state.aws.outputs
}

module "kubernetes" {
  source = "../modules/kubernetes"

  station          = local.aws.station
  repository       = var.repository
  revision         = var.revision
  chart_directory  = "${path.root}/../../charts"
  highly_available = local.aws.station.environment == "prod"
  argo_cd_version  = var.argo_cd_version
}
