# Added to modules/kafka in a copy: the ARN that MSK would assign.

locals {
  mock_cluster_arn = "arn:aws:kafka:eu-west-1:000000000000:cluster/${var.name}/00000000-0000-0000-0000-000000000000-1"
}
