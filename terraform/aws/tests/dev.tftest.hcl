# dev plans, without network and without an account, and is what its promises say.

mock_provider "aws" {
  source = "./tests/mocks"
}

provider "aws" {
  alias                       = "secrets"
  region                      = "eu-west-1"
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

# These are the other provider's, which is not mocked.
override_resource {
  override_during = plan
  target          = module.secrets.aws_secretsmanager_secret.this
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:role" }
}

override_resource {
  override_during = plan
  target          = module.secrets.aws_secretsmanager_secret.plain
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:plain" }
}

variables {
  cluster_access = {
    operators = { principal_arn = "arn:aws:iam::000000000000:role/operators", access = "admin" }
  }
  emails            = ["station@example.org"]
  github_repository = "example/anden"
  terraform_cloud   = { organization = "example", project = "anden", workspaces = ["anden-aws", "anden-cluster"] }
}

run "dev" {
  command = plan

  # Ephemeral values cannot be mocked: the passwords are proven against an emulator instead.
  variables {
    postgres = merge(var.postgres, { write_passwords = false })
  }

  assert {
    condition     = length(module.network.nat_addresses) == 1
    error_message = "dev must have one NAT gateway."
  }

  assert {
    condition     = length(module.network.private_subnet_ids) == 3 && length(module.network.public_subnet_ids) == 3
    error_message = "There must be a private and a public subnet in each of three zones."
  }
}

# PostgreSQL in the cluster, by Bitnami's chart: for trials, so in dev.
run "bitnami" {
  command = plan

  variables {
    postgres = merge(var.postgres, { mode = "bitnami", write_passwords = false })
  }

  assert {
    condition     = output.station.postgres_address == null && output.station.postgres_backups == null
    error_message = "Terraform must make neither a database nor a bucket: the chart's dumps stay in the cluster."
  }
}
