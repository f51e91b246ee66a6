# prod can be planned without a network or an account, and meets its requirements.

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

run "prod" {
  command = plan

  assert {
    condition     = length(module.network.nat_addresses) == 3
    error_message = "prod must have a NAT gateway in each zone."
  }

  assert {
    condition     = length(module.observability.alarm_names) == 12
    error_message = "prod must have alarms for database, Kafka, each broker (two), load balancer, gateway, certificate and probe."
  }
}

# PostgreSQL in the cluster with the operator.
run "cloudnativepg" {
  command = plan

  variables {
    postgres = merge(var.postgres, { mode = "cloudnativepg" })
  }

  assert {
    condition     = output.station.postgres_address == null && output.station.postgres_backups != null
    error_message = "Terraform must create a bucket for backups, and no database."
  }
}
