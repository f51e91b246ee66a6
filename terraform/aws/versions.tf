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
