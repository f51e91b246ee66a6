# Over terraform/aws in a copy: state beside the root, and an emulator of AWS instead of an account.

terraform {
  backend "local" {}
}

provider "aws" {
  max_retries             = 2
  skip_metadata_api_check = true
}
