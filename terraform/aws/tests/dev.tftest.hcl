# dev can be planned without a network or an account, and meets its requirements.

mock_provider "aws" {
  source = "./tests/mocks"
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

  assert {
    condition     = length(module.network.nat_addresses) == 1
    error_message = "dev must have one NAT gateway."
  }

  assert {
    condition     = length(module.network.private_subnet_ids) == 3 && length(module.network.public_subnet_ids) == 3
    error_message = "There must be a private and a public subnet in each of three zones."
  }
}

# PostgreSQL in the cluster with Bitnami's chart: for trials, hence dev.
run "bitnami" {
  command = plan

  variables {
    postgres = merge(var.postgres, { mode = "bitnami" })
  }

  assert {
    condition     = output.station.postgres_address == null && output.station.postgres_backups == null
    error_message = "Terraform must create neither a database nor a bucket: the chart's dumps stay in the cluster."
  }
}
