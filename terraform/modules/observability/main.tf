# CloudWatch dashboards that the application renders, alarms with a runbook each, and one SNS topic.

resource "aws_cloudwatch_dashboard" "this" {
  for_each = fileset(var.dashboards_folder, "*.json")

  dashboard_name = "${var.name}-${trimsuffix(each.value, ".json")}"
  dashboard_body = replace(file("${var.dashboards_folder}/${each.value}"), "$${AWS_REGION}", var.region)
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

locals {
  percentile = { for key, alarm in var.alarms : key => can(regex("^p[0-9.]+$", alarm.statistic)) }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} Runbook: ${each.value.runbook}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric_name
  dimensions          = each.value.dimensions
  statistic           = local.percentile[each.key] ? null : each.value.statistic
  extended_statistic  = local.percentile[each.key] ? each.value.statistic : null
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period_s
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
