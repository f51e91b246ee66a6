output "url" {
  description = "URL of the queue, for Celery's predefined_queues."
  value       = aws_sqs_queue.this.url
}

output "name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

output "policy_json" {
  description = "Policy of Celery's worker and beat and the web pods: send and receive, but not manage the queue."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Jobs"
      Effect = "Allow"
      Action = [
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
      ]
      Resource = aws_sqs_queue.this.arn
      }, {
      Sid      = "Encrypt"
      Effect   = "Allow"
      Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
      Resource = var.kms_key_arn
    }]
  })
}
