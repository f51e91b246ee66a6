terraform {
  required_version = ">= 1.11, < 2.0"

  # Organization and workspace come from TF_CLOUD_ORGANIZATION and TF_WORKSPACE, as in the first root.
  cloud {}

  required_providers {
    # Only for the token: this root creates no AWS resource.
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }

    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
  }
}

provider "aws" {
  region = local.aws.station.region
}

# An ephemeral token is in no state and no plan. The exec plugin would need the AWS CLI in the agent's image. The token
# is valid for 15 minutes from the start of a run; installing Argo CD takes less.
ephemeral "aws_eks_cluster_auth" "this" {
  name = local.aws.cluster_name
}

provider "helm" {
  kubernetes = {
    host                   = local.aws.cluster_endpoint
    cluster_ca_certificate = base64decode(local.aws.cluster_certificate_authority_data)
    token                  = ephemeral.aws_eks_cluster_auth.this.token
  }
}
