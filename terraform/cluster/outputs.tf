output "namespaces" {
  description = "Namespaces that Argo CD may write to: one for each directory in charts/."
  value       = module.kubernetes.namespaces
}
