# Overrides modules/kafka in a copy: the emulator does not support MSK. Everything except the cluster stays.

locals {
  topic_prefix = replace(local.mock_cluster_arn, ":cluster/", ":topic/")
  group_prefix = replace(local.mock_cluster_arn, ":cluster/", ":group/")
  connect = {
    Sid      = "Connect"
    Effect   = "Allow"
    Action   = ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster"]
    Resource = local.mock_cluster_arn
  }
}

resource "aws_msk_configuration" "this" {
  count = 0
}

resource "aws_msk_cluster" "this" {
  count = 0

  configuration_info {
    arn      = local.mock_cluster_arn
    revision = 1
  }
}

resource "aws_appautoscaling_target" "storage" {
  count       = 0
  resource_id = local.mock_cluster_arn
}

resource "aws_appautoscaling_policy" "storage" {
  count              = 0
  resource_id        = local.mock_cluster_arn
  scalable_dimension = "kafka:broker-storage:VolumeSize"
  service_namespace  = "kafka"
}

output "cluster_arn" {
  value = local.mock_cluster_arn
}

output "cluster_name" {
  value = var.name
}

output "bootstrap_brokers" {
  value = "b-1.example.org:9098"
}
