terraform {
  required_version = ">= 1.11, < 2.0"

  # Organization and workspace come from TF_CLOUD_ORGANIZATION and TF_WORKSPACE: the block takes no variables.
  cloud {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Station   = var.name
      ManagedBy = "terraform"
    }
  }
}

# The same account and region once more, for what is ephemeral: tests mock the provider above, and no provider that is
# mocked may hold ephemeral values (Terraform 1.11).
provider "aws" {
  alias  = "secrets"
  region = var.region

  default_tags {
    tags = {
      Station   = var.name
      ManagedBy = "terraform"
    }
  }
}
