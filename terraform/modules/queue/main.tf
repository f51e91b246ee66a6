# Celery's broker. It carries only ids; jobs are rows in PostgreSQL, so a lost message loses no job.

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-celery-dead"
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "this" {
  name                       = "${var.name}-celery"
  kms_master_key_id          = var.kms_key_arn
  visibility_timeout_seconds = var.longest_job_s
  message_retention_seconds  = 86400
  receive_wait_time_seconds  = 20

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}
