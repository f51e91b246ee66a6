output "repository_arn" {
  description = "ARN of the repository, for the pipeline's push permission."
  value       = aws_ecr_repository.this.arn
}

output "repository_url" {
  description = "URL of the repository, without a tag."
  value       = aws_ecr_repository.this.repository_url
}
