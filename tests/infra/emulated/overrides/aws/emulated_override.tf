# Overrides terraform/aws in a copy: local state, and an AWS emulator instead of an account.

terraform {
  backend "local" {}
}

provider "aws" {
  max_retries             = 2
  skip_metadata_api_check = true
}
