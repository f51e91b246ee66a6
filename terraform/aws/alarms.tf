# What rings even when the cluster, and Prometheus with it, is gone. Everything else rings from dashboards/prometheus.

locals {
  # Only where RDS runs it: the cluster's own PostgreSQL rings from Prometheus.
  database_alarms = { for key, alarm in {
    database-storage = {
      description = "The database's disk is nearly full, and a full disk stops every write."
      namespace   = "AWS/RDS"
      metric_name = "FreeStorageSpace"
      statistic   = "Minimum"
      dimensions  = { DBInstanceIdentifier = var.name }
      comparison  = "LessThanThreshold"
      threshold   = 10 * 1024 * 1024 * 1024
      runbook     = "docs/runbooks/aws-database-storage.md"
    }
    database-cpu = {
      description = "The database has worked at its limit for a quarter of an hour."
      namespace   = "AWS/RDS"
      metric_name = "CPUUtilization"
      statistic   = "Maximum"
      dimensions  = { DBInstanceIdentifier = var.name }
      comparison  = "GreaterThanThreshold"
      threshold   = 90
      periods     = 15
      runbook     = "docs/runbooks/aws-database-cpu.md"
    }
  } : key => alarm if var.postgres.mode == "rds" }

  alarms = merge(local.database_alarms, {
    kafka-under-replicated = {
      description = "Records have fewer copies than they should: one more broker lost, and writes stop."
      namespace   = "AWS/Kafka"
      metric_name = "UnderReplicatedPartitions"
      statistic   = "Maximum"
      dimensions  = { "Cluster Name" = var.name }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 10
      runbook     = "docs/runbooks/aws-kafka-under-replicated.md"
    }
    kafka-controller = {
      description = "Kafka has no controller, or two of them."
      namespace   = "AWS/Kafka"
      metric_name = "ActiveControllerCount"
      statistic   = "Sum"
      dimensions  = { "Cluster Name" = var.name }
      comparison  = "LessThanThreshold"
      threshold   = 1
      periods     = 5
      missing     = "breaching"
      runbook     = "docs/runbooks/aws-kafka-controller.md"
    }
    balancer-unhealthy = {
      description = "Web pods fail their readiness as the load balancer asks it."
      namespace   = "AWS/ApplicationELB"
      metric_name = "UnHealthyHostCount"
      statistic   = "Maximum"
      dimensions  = { LoadBalancer = module.edge.balancer_dimension, TargetGroup = module.edge.target_group_dimension }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 5
      runbook     = "docs/runbooks/aws-balancer-unhealthy.md"
    }
    gateway-errors = {
      description = "More than one request in a hundred fails at the edge."
      namespace   = "AWS/ApiGateway"
      metric_name = "5xx"
      statistic   = "Average"
      dimensions  = { ApiId = module.edge.api_id }
      comparison  = "GreaterThanThreshold"
      threshold   = 0.01
      periods     = 5
      missing     = "notBreaching"
      runbook     = "docs/runbooks/aws-gateway-errors.md"
    }
    probe-function = {
      description = "The probe fails from inside of the VPC: whoever asks the API now gets no good answer."
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      statistic   = "Sum"
      dimensions  = { FunctionName = module.edge.function_name }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      period_s    = 300
      periods     = 2
      missing     = "breaching"
      runbook     = "docs/runbooks/aws-probe-function.md"
    }
  })
}
