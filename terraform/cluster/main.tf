# Bootstraps Argo CD, which manages everything else in the cluster.

# Built in, so it needs no provider. The first root shares its state with this workspace; it contains no secret.
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
