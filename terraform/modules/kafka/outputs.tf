output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_msk_cluster.this.arn
}

output "cluster_name" {
  description = "Name of the cluster and value of CloudWatch's dimension `Cluster Name`."
  value       = aws_msk_cluster.this.cluster_name
}

output "bootstrap_brokers" {
  description = "Bootstrap brokers for clients with IAM over TLS, as host:port, comma-separated."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_iam
}

output "worker_policy_json" {
  description = "Policy of ingest workers and the lag exporter: read the topics in the consumer groups."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.connect,
      {
        Sid      = "Read"
        Effect   = "Allow"
        Action   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
        Resource = [for topic in sort(var.topics) : "${local.topic_prefix}/${topic}"]
      },
      {
        Sid      = "Share"
        Effect   = "Allow"
        Action   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
        Resource = [for group in sort(var.groups) : "${local.group_prefix}/${group}"]
      },
    ]
  })
}

output "topics_policy_json" {
  description = "Policy of `manage.py topics ensure`: create the topics and raise their partitions."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.connect,
      {
        Sid    = "Ensure"
        Effect = "Allow"
        Action = [
          "kafka-cluster:CreateTopic",
          "kafka-cluster:DescribeTopic",
          "kafka-cluster:AlterTopic",
          "kafka-cluster:DescribeTopicDynamicConfiguration",
          "kafka-cluster:AlterTopicDynamicConfiguration",
        ]
        Resource = [for topic in sort(var.topics) : "${local.topic_prefix}/${topic}"]
      },
    ]
  })
}
