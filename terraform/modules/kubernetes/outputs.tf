output "namespaces" {
  description = "Namespaces that Argo CD may write to, one per directory in the charts' directory."
  value       = sort(keys(local.charts))
}
