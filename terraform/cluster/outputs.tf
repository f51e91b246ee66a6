output "namespaces" {
  description = "Namespaces that Argo CD may write to, one per directory in charts/."
  value       = module.kubernetes.namespaces
}
