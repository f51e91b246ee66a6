# Alarms that work even if the cluster and its Prometheus are gone. All other alerts are in dashboards/prometheus.

locals {
  # Only with RDS: Prometheus covers a PostgreSQL in the cluster.
  database_alarms = { for key, alarm in {
    rds-storage-low = {
      description = "The database's disk is almost full; a full disk stops all writes."
      namespace   = "AWS/RDS"
      metric_name = "FreeStorageSpace"
      statistic   = "Minimum"
      dimensions  = { DBInstanceIdentifier = var.name }
      comparison  = "LessThanThreshold"
      threshold   = 10 * 1024 * 1024 * 1024
      runbook     = "docs/runbooks/rds-storage-low.md"
    }
  } : key => alarm if var.postgres.mode == "rds" }

  # Reported per broker; there is no total for the cluster.
  broker_alarms = merge([for broker in range(1, length(var.zones) * var.kafka.brokers_per_zone + 1) : {
    "msk-partitions-under-replicated-${broker}" = {
      description = "Partitions are under-replicated: losing one more broker stops writes."
      namespace   = "AWS/Kafka"
      metric_name = "UnderReplicatedPartitions"
      statistic   = "Maximum"
      dimensions  = { "Cluster Name" = var.name, "Broker ID" = tostring(broker) }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 10
      runbook     = "docs/runbooks/msk-partitions-under-replicated.md"
    }
    "msk-disk-usage-high-${broker}" = {
      description = "A broker's disk is almost full: MSK did not expand it in time."
      namespace   = "AWS/Kafka"
      metric_name = "KafkaDataLogsDiskUsed"
      statistic   = "Maximum"
      dimensions  = { "Cluster Name" = var.name, "Broker ID" = tostring(broker) }
      comparison  = "GreaterThanThreshold"
      threshold   = 85
      periods     = 10
      runbook     = "docs/runbooks/msk-disk-usage-high.md"
    }
  }]...)

  alarms = merge(local.database_alarms, local.broker_alarms, {
    msk-partitions-offline = {
      description = "Partitions have no leader: they can be neither written nor read."
      namespace   = "AWS/Kafka"
      metric_name = "OfflinePartitionsCount"
      statistic   = "Maximum"
      dimensions  = { "Cluster Name" = var.name }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 2
      runbook     = "docs/runbooks/msk-partitions-offline.md"
    }
    load-balancer-targets-unhealthy = {
      description = "Web pods fail the load balancer's health check."
      namespace   = "AWS/ApplicationELB"
      metric_name = "UnHealthyHostCount"
      statistic   = "Maximum"
      dimensions  = { LoadBalancer = module.edge.balancer_dimension, TargetGroup = module.edge.target_group_dimension }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 5
      runbook     = "docs/runbooks/load-balancer-targets-unhealthy.md"
    }
    api-gateway-errors-high = {
      description = "More than 1 % of requests fail at the edge."
      namespace   = "AWS/ApiGateway"
      metric_name = "5xx"
      statistic   = "Average"
      dimensions  = { ApiId = module.edge.api_id, Stage = "$default" }
      comparison  = "GreaterThanThreshold"
      threshold   = 0.01
      periods     = 5
      missing     = "notBreaching"
      runbook     = "docs/runbooks/api-gateway-errors-high.md"
    }
    certificate-renewal-overdue = {
      description = "The API's certificate expires within three weeks: its renewal has failed."
      namespace   = "AWS/CertificateManager"
      metric_name = "DaysToExpiry"
      statistic   = "Minimum"
      dimensions  = { CertificateArn = module.edge.certificate_arn }
      comparison  = "LessThanThreshold"
      threshold   = 21
      period_s    = 86400 # ACM reports it twice a day
      periods     = 1
      missing     = "ignore" # ACM stops reporting after expiry: keep the alarm state
      runbook     = "docs/runbooks/certificate-renewal-overdue.md"
    }
    lambda-errors-high = {
      description = "The probe fails from inside the VPC: API requests are failing now."
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      statistic   = "Sum"
      dimensions  = { FunctionName = module.edge.function_name }
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      period_s    = 300
      periods     = 2
      missing     = "breaching"
      runbook     = "docs/runbooks/lambda-errors-high.md"
    }
  })
}
