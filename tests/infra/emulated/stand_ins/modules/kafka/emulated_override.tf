# Over modules/kafka in a copy: the emulator makes no MSK. Everything beside the cluster stays.

locals {
  topic_prefix = replace(local.refused, ":cluster/", ":topic/")
  group_prefix = replace(local.refused, ":cluster/", ":group/")
  connect = {
    Sid      = "Connect"
    Effect   = "Allow"
    Action   = ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster"]
    Resource = local.refused
  }
}

resource "aws_msk_configuration" "this" {
  count = 0
}

resource "aws_msk_cluster" "this" {
  count = 0

  configuration_info {
    arn      = local.refused
    revision = 1
  }
}

resource "aws_appautoscaling_target" "storage" {
  count       = 0
  resource_id = local.refused
}

resource "aws_appautoscaling_policy" "storage" {
  count              = 0
  resource_id        = local.refused
  scalable_dimension = "kafka:broker-storage:VolumeSize"
  service_namespace  = "kafka"
}

output "cluster_arn" {
  value = local.refused
}

output "cluster_name" {
  value = var.name
}

output "bootstrap_brokers" {
  value = "b-1.example.org:9098"
}
