output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "cluster_endpoint" {
  description = "URL of the cluster's API, reachable inside the VPC."
  value       = aws_eks_cluster.this.endpoint
}

output "cluster_certificate_authority_data" {
  description = "Certificate authority of the cluster's API, base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "workloads" {
  description = "Service accounts with an AWS role, as namespace/name, by workload."
  value       = { for name, workload in var.workloads : name => "${workload.namespace}/${workload.service_account}" }
}
