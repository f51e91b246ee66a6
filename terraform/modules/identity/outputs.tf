output "terraform_role_arns" {
  description = "Roles for HCP Terraform runs, plan and apply, for TFC_AWS_PLAN_ROLE_ARN and TFC_AWS_APPLY_ROLE_ARN."
  value       = { for phase, role in aws_iam_role.terraform : phase => role.arn }
}

output "image_role_arn" {
  description = "Role of the pipeline that pushes images."
  value       = aws_iam_role.image.arn
}
