# dev plans, without network and without an account, and is what its promises say.

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

# PostgreSQL in the cluster, by Bitnami's chart: for trials, so in dev.
run "bitnami" {
  command = plan

  variables {
    postgres = merge(var.postgres, { mode = "bitnami" })
  }

  assert {
    condition     = output.station.postgres_address == null && output.station.postgres_backups == null
    error_message = "Terraform must make neither a database nor a bucket: the chart's dumps stay in the cluster."
  }
}
